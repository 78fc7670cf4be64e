# Debian slim: DuckDB's binary needs glibc. A Job of --submit looks for the program in /app.
# By tag, which a registry may move; docs/supply-chain.md says how to build by digest: oven/bun:1.4.4-slim@sha256:…
FROM oven/bun:1.4.4-slim AS base
WORKDIR /app

FROM base AS dependencies
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production --omit=peer

FROM base
LABEL org.opencontainers.image.title="prepare-dataset" \
  org.opencontainers.image.description="Turns reviewed misclassifications in PostgreSQL into clean, versioned datasets on the Hugging Face Hub." \
  org.opencontainers.image.licenses="Apache-2.0"
# Below /app nothing can be written, so a dry run and its report need another place.
ENV NODE_ENV=production OUT=/tmp/out
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json pipeline.ts pipeline.config.yaml pipeline.schema.json ./
COPY lib ./lib
# The base's user `bun`, as a number: Kubernetes cannot tell from a name that it is not root. Spaces want 1000 too.
USER 1000:1000
EXPOSE 7860
# Healthy while the program runs and, once something listens on 7860, while that answers.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["bun", "-e", "fetch('http://127.0.0.1:7860/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), ({ code }) => process.exit(code === 'ECONNREFUSED' ? 0 : 1))"]
# Flags alone are for the program, anything else is a command of its own: `docker run IMAGE --check`, `docker run -it IMAGE sh`.
ENTRYPOINT ["sh", "-c", "case $1 in -*) set -- bun pipeline.ts \"$@\" ;; esac; exec \"$@\"", "--"]
CMD ["bun", "pipeline.ts"]

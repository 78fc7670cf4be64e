# syntax=docker/dockerfile:1
# Debian slim: DuckDB's binary needs glibc. Its user `bun` has uid 1000, as Spaces want, and writes dry runs to ./out.
# A Job of --submit looks for the program in /app.
FROM oven/bun:1.4.4-slim AS dependencies
WORKDIR /app
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production --omit=peer

FROM oven/bun:1.4.4-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json pipeline.ts pipeline.config.yaml pipeline.schema.json ./
COPY lib ./lib
RUN install -d -o bun out
USER bun
EXPOSE 7860
# Healthy while the program runs and, once something listens on 7860, while that answers.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["bun", "-e", "try { const { ok } = await fetch('http://127.0.0.1:7860/healthz'); process.exit(ok ? 0 : 1) } catch (error) { process.exit(error.code === 'ConnectionRefused' ? 0 : 1) }"]
CMD ["bun", "pipeline.ts"]

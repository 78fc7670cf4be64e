#!/usr/bin/env bash
# Makes the base image that the Dockerfile names, where no registry has it for us: Debian by debootstrap, Bun from its npm package, and what
# https://github.com/oven-sh/bun/blob/main/dockerhub/debian-slim/Dockerfile adds. Called by `run`, with buildah's storage in BUILDAH.
# DEBIAN_MIRROR and npm's own configuration say where the parts come from; nothing of this machine stays in the image.
set -euo pipefail

image=$1  # docker.io/oven/bun:1.4.4-slim
parts=$2  # a folder that keeps the parts, for the next time
suite=trixie
version=${image##*:}
version=${version%-slim}
read -ra buildah <<<"${BUILDAH:-buildah}"

case $(dpkg --print-architecture) in
  amd64) package=@oven/bun-linux-x64-baseline ;;
  arm64) package=@oven/bun-linux-aarch64 ;;
  *) echo "There is no Bun for $(dpkg --print-architecture)." >&2; exit 1 ;;
esac

root=$parts/$suite-bun-$version
if [ ! -e "$root" ]; then
  draft=$root.draft
  rm -rf "$draft"
  mkdir -p "$draft"
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$draft" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$parts/debootstrap.log" 2>&1 ||
    { tail -n 5 "$parts/debootstrap.log" >&2; exit 1; }
  # What debian:*-slim leaves out, and what debootstrap took from this machine.
  rm -rf "$draft"/usr/share/{doc,man,info,locale,groff,lintian}/* "$draft"/var/{cache/apt,lib/apt/lists,log}/* \
    "$draft"/etc/{resolv.conf,hostname}
  tarball=$(npm pack --silent --pack-destination "$parts" "$package@$version")
  tar --extract --file "$parts/$tarball" --directory "$draft/usr/local/bin" --strip-components=2 --no-same-owner package/bin/bun
  rm "$parts/$tarball"
  chmod 755 "$draft/usr/local/bin/bun"
  ln -s bun "$draft/usr/local/bin/bunx"
  mkdir "$draft/usr/local/bun-node-fallback-bin"
  ln -s /usr/local/bin/bun "$draft/usr/local/bun-node-fallback-bin/node"
  chroot "$draft" groupadd bun --gid 1000
  chroot "$draft" useradd bun --uid 1000 --gid bun --shell /bin/sh --create-home
  mv "$draft" "$root"
fi

container=$("${buildah[@]}" from scratch)
cp --archive "$root/." "$("${buildah[@]}" mount "$container")" # `buildah add` would give all to root
"${buildah[@]}" umount "$container" >/dev/null
"${buildah[@]}" config \
  --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bun-node-fallback-bin \
  --env BUN_RUNTIME_TRANSPILER_CACHE_PATH=0 --env BUN_INSTALL_BIN=/usr/local/bin \
  --workingdir /home/bun/app --entrypoint '["/usr/local/bin/bun"]' --cmd '' "$container"
"${buildah[@]}" commit --quiet --format docker --rm "$container" "$image" >/dev/null

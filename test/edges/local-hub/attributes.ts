import type { StoredFile } from './store.ts';

const LFS_BY_DEFAULT = ['7z', 'arrow', 'bin', 'gz', 'h5', 'npy', 'npz', 'parquet', 'pkl', 'tar', 'zip', 'zst'];

/** A new repo starts with this file, in its first commit. The Hub's own list is longer. */
export const DEFAULT_ATTRIBUTES = LFS_BY_DEFAULT.map((ext) => `*.${ext} filter=lfs diff=lfs merge=lfs -text\n`).join(
  '',
);

/** Decide whether the Hub stores a file with LFS: by size, or by a `filter=lfs` line of .gitattributes. */
export function isLfs(path: string, size: number, attributes: string, threshold: number): boolean {
  if (size === 0) return false;
  if (size > threshold) return true;
  const name = path.split('/').at(-1) ?? path;
  return attributes
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(([pattern = '', ...flags]) => {
      if (!flags.includes('filter=lfs')) return false;
      return new Bun.Glob(pattern).match(pattern.includes('/') ? path : name);
    });
}

export function attributesOf(files: ReadonlyMap<string, StoredFile>): string {
  const file = files.get('.gitattributes');
  return file ? new TextDecoder().decode(file.content) : '';
}

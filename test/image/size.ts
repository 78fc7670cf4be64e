import { join } from 'node:path';

interface Layer {
  /** The instruction that made it. */
  madeBy: string;
  bytes: number;
  compressed: number;
}

/** The layers of an image in an OCI layout, as a registry would keep them. */
async function readLayers(layout: string): Promise<Layer[]> {
  const blob = (digest: string) => Bun.file(join(layout, 'blobs', digest.replace(':', '/')));
  const index = await Bun.file(join(layout, 'index.json')).json();
  const manifest = await blob(index.manifests[0].digest).json();
  const { history } = await blob(manifest.config.digest).json();
  const made = history.filter((step: { empty_layer?: boolean }) => !step.empty_layer);
  return await Promise.all(
    manifest.layers.map(async ({ digest, size }: { digest: string; size: number }, at: number) => ({
      madeBy: made[at]?.created_by ?? '',
      bytes: Bun.gunzipSync(await blob(digest).bytes()).byteLength,
      compressed: size,
    })),
  );
}

const PARTS = [
  { name: 'base: Debian and Bun', holds: (_: Layer, at: number) => at === 0 },
  { name: '`node_modules`', holds: ({ madeBy }: Layer) => /node_modules/.test(madeBy) },
  { name: 'our files', holds: () => true },
];

/** The table of docs/image.md. */
export async function sizeTable(layout: string): Promise<string> {
  const rows = PARTS.map(({ name }) => ({ name, bytes: 0, compressed: 0 }));
  for (const [at, layer] of (await readLayers(layout)).entries()) {
    const row = rows[PARTS.findIndex(({ holds }) => holds(layer, at))];
    if (row) Object.assign(row, { bytes: row.bytes + layer.bytes, compressed: row.compressed + layer.compressed });
  }
  const sum = (key: 'bytes' | 'compressed') => rows.reduce((total, row) => total + row[key], 0);
  const total = { name: '**the image**', bytes: sum('bytes'), compressed: sum('compressed') };
  const lines = [...rows, total].map(
    ({ name, bytes, compressed }) => `| ${name} | ${megabytes(bytes)} | ${megabytes(compressed)} |`,
  );
  return ['| Layer | Uncompressed | gzip |', '|---|---|---|', ...lines].join('\n');
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

if (import.meta.main) console.log(await sizeTable(process.env.IMAGE_LAYERS ?? ''));

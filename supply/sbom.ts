import pkg from '../package.json' with { type: 'json' };
import { type Locked, type Manifest, readProduction } from './lock.ts';

/** `bun run sbom`: prints what the program is made of at run time, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). */

interface When {
  timestamp: string;
  /** A UUID. */
  serial: string;
}

/** Package URL (https://github.com/package-url/purl-spec). */
const purlOf = ({ name, version }: Pick<Manifest, 'name' | 'version'>) =>
  `pkg:npm/${name.replace('@', '%40')}@${encodeURIComponent(version)}`;

const IS_EXPRESSION = /\s|\(/;

function licencesOf({ license }: Pick<Manifest, 'license'>) {
  if (license === undefined) return {};
  return { licenses: [IS_EXPRESSION.test(license) ? { expression: license } : { license: { id: license } }] };
}

function hashOf(integrity: string) {
  const base64 = /^sha512-(.+)$/.exec(integrity)?.[1];
  if (base64 === undefined) throw new Error(`Cannot use integrity ${integrity}: must be sha512`);
  return { alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') };
}

/** A BOM of packages; pure, so that the same lock gives the same one. What lies there twice in one version is one component. */
export function planSbom(packages: readonly Locked[], { timestamp, serial }: When) {
  const purls = new Map(packages.map(({ key, manifest }) => [key, purlOf(manifest)]));
  const refs = (keys: readonly string[]) => [...new Set(keys.map((key) => purls.get(key) as string))].sort();
  const needs = Map.groupBy(packages, ({ manifest }) => purlOf(manifest));
  const own = purlOf(pkg);
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${serial}`,
    version: 1,
    metadata: {
      timestamp,
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': own,
        name: pkg.name,
        version: pkg.version,
        description: pkg.description,
        ...licencesOf(pkg),
        purl: own,
      },
    },
    components: [...needs].map(([purl, [first]]) => {
      const { manifest, integrity } = first as Locked;
      return {
        type: 'library',
        'bom-ref': purl,
        name: manifest.name,
        version: manifest.version,
        ...(manifest.description && { description: manifest.description }),
        hashes: [hashOf(integrity)],
        ...licencesOf(manifest),
        purl,
      };
    }),
    dependencies: [
      { ref: own, dependsOn: refs(Object.keys(pkg.dependencies)) },
      ...[...needs].map(([ref, same]) => ({ ref, dependsOn: refs(same.flatMap((each) => each.needs)) })),
    ],
  };
}

if (import.meta.main) {
  const when = { timestamp: new Date().toISOString(), serial: crypto.randomUUID() };
  console.log(JSON.stringify(planSbom(await readProduction(), when), null, 2));
}

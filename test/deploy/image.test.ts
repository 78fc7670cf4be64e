import { describe, expect, test } from 'bun:test';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import pkg from '../../package.json' with { type: 'json' };

// What test/image/run finds by building the image can be held here without one.

const ROOT = resolve(import.meta.dir, '../..');
const read = (path: string) => Bun.file(join(ROOT, path)).text();
const DOCKERFILE = await read('Dockerfile');
const PAGE = await read('docs/image.md');
const SPEC = parse(await read('pipeline.config.yaml'));

const MEGABYTE = 1e6;
const BESIDE_THE_ENGINE = 250 * MEGABYTE;

/** The exec form of an instruction. */
const command = (instruction: RegExp): string[] =>
  JSON.parse(new RegExp(`${instruction.source} (\\[.*\\])$`, 'm').exec(DOCKERFILE)?.[1] ?? '[]');

async function exitCodeOf(argv: string[]): Promise<number> {
  return await Bun.spawn(argv, { cwd: ROOT, stdio: ['ignore', 'ignore', 'ignore'] }).exited;
}

describe('the health check', () => {
  const ask = (port: number) =>
    exitCodeOf(
      command(/^ {2}CMD/).map((word) => (word === 'bun' ? process.execPath : word.replace('7860', `${port}`))),
    );

  test.each([
    [200, 0],
    [503, 1],
  ])('asks for /healthz where somebody listens: %d is %d', async (status, exitCode) => {
    using page = Bun.serve({
      port: 0,
      fetch: ({ url }) => new Response('', { status: new URL(url).pathname === '/healthz' ? status : 404 }),
    });
    expect(await ask(page.port ?? 0)).toBe(exitCode);
  });

  test('is content where nobody listens', async () => {
    const page = Bun.serve({ port: 0, fetch: () => new Response() });
    await page.stop(true);
    expect(await ask(page.port ?? 0)).toBe(0);
  });

  test('is about the port of a Space', () => {
    const [, port = ''] = /^EXPOSE (\d+)$/m.exec(DOCKERFILE) ?? [];
    expect(command(/^ {2}CMD/).join(' ')).toContain(`:${port}/healthz`);
  });
});

describe('the image’s command', () => {
  const run = async (args: string[]) => {
    const child = Bun.spawn([...command(/^ENTRYPOINT/), ...args], { cwd: ROOT, stdout: 'pipe', stderr: 'pipe' });
    return await child.stdout.text();
  };

  test('takes flags alone, a whole command, or something else', async () => {
    expect(await run(['--version'])).toBe(`${pkg.version}\n`);
    expect(await run([...command(/^CMD/), '--version'])).toBe(`${pkg.version}\n`);
    expect(await run(['printf', '%s|', 'a b', '$HOME'])).toBe('a b|$HOME|');
  });
});

describe('docs/image.md', () => {
  const [job] = [...PAGE.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = '']) => parse(text));
  const pod = job.spec.jobTemplate.spec.template.spec;
  const [container] = pod.containers;

  test('has a CronJob that fits the Dockerfile', () => {
    const [, uid] = /^USER (\d+):\d+$/m.exec(DOCKERFILE) ?? [];
    expect(Number(uid)).toBeGreaterThan(0); // a name, or root, and runAsNonRoot refuses to start it
    expect(pod.securityContext.runAsNonRoot).toBe(true);
    const [, out = ''] = /^ENV .*\bOUT=(\S+)$/m.exec(DOCKERFILE) ?? [];
    const [mount] = container.volumeMounts;
    expect(out).toStartWith(`${mount.mountPath}/`);
    expect(pod.volumes.map(({ name }: { name: string }) => name)).toContain(mount.name);
    expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
    const [rule] = job.spec.jobTemplate.spec.podFailurePolicy.rules;
    expect(rule.onExitCodes.containerName).toBe(container.name);
  });

  test('has a pod, a container and a machine with memory enough for the shipped YAML', () => {
    const needed = Number.parseInt(SPEC.database.memory_limit, 10) * MEGABYTE + BESIDE_THE_ENGINE;
    const given = [container.resources.limits.memory, ...PAGE.matchAll(/--memory (\d+m)\b/g)].flatMap((each) =>
      Number.parseInt(typeof each === 'string' ? each : (each[1] ?? ''), 10),
    );
    for (const mebibytes of given) expect(mebibytes * 1024 ** 2).toBeGreaterThanOrEqual(needed);
    expect(given.length).toBeGreaterThan(2);
  });

  test('has a table of sizes that adds up, within what was aimed at', () => {
    const [, table = ''] = /<!-- size: .*?-->([\s\S]*?)<!-- \/size -->/.exec(PAGE) ?? [];
    const rows = [...table.matchAll(/^\| (.+) \| ([\d.]+) MB \| ([\d.]+) MB \|$/gm)].map(([, name, plain, gzip]) => ({
      name,
      sizes: [Number(plain), Number(gzip)],
    }));
    const total = rows.pop();
    for (const at of [0, 1]) {
      const sum = rows.reduce((all, { sizes }) => all + (sizes[at] ?? 0), 0);
      expect(Math.abs(sum - (total?.sizes[at] ?? 0))).toBeLessThan(0.2); // rounded
    }
    expect(rows.find(({ name }) => name === '`node_modules`')?.sizes[0]).toBeLessThanOrEqual(150);
  });
});

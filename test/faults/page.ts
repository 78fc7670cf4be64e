import type { Outcome } from './outcome.ts';
import type { Found } from './plan.ts';

/** `docs/faults.md`. */
export function renderPage({ kills, scenarios, looks, ...found }: Found): string {
  const wire = { ...found.wire, ...found.silence };
  const cells = Object.keys(wire).length;
  const looked = Object.values(looks).reduce((sum, each) => sum + each, 0);
  const passages = Object.entries(kills.passages).map(([name, count]) => `| ${name} | ${count} |`);
  return `# When things go wrong

What a run does when a server, the network, the disk or its own machine fails. Written by \`bun run faults\`, which kills and spoils whole runs against real PostgreSQL and
SMTP and strict stand-ins for the Hub and W&B; the tests try a part of it again with every change.

After each of these, the next run without a fault ended well, and the targets were looked at from the outside, before and after it: one version more and no other, each
version's files as its metadata says, commit and tag in agreement, no text in another split than before, a ledger of all that was ever published, the directory's link on a
whole version, the Space that trains told and restarted, no run lost from the history, nothing left in \`TMPDIR\`. ${looked.toLocaleString('en')} times a secret was looked for in something that
left the program (output, requests, e-mails, webhook, names of files), also percent-encoded, in hex and in base64: it was never there.

## How long at most

| what a run waits for | at most |
| --- | --- |
| a read, an upload or a tag on the Hub | six tries, each of 60 s until an answer comes (4 s more for each MB that is sent) and without 60 s of silence in it, 23 s between them; after a 429 as long as the Hub asks, up to 5 min each time |
| a commit with its uploads | five tries, 15 s between them in all, none of which begins after 10 min; after each lost answer the head is read again |
| a new repo, a Space’s restart or pause | sent once; 60 s for all there is to say to a Space |
| PostgreSQL | \`database.attempts\`, 2 s and 4 s between them; in each \`connect_timeout\` until it is there, and \`statement_timeout\` and 30 s of silence for each query |
| a directory that another run holds | 10 min |
| the history | 15 s to read it, 2 min to add to it |
| W&B, e-mail, webhook | 30 s; 20 s; three tries of 15 s |

## Killed

${kills.tried} runs were sent SIGKILL, ${kills.hit} of them before they had ended: before and after each thing that they send, on a first version and on a later one, and at ${kills.random} random
moments. ${kills.versions} versions were looked at.

| what was being sent | kills |
| --- | --- |
${passages.join('\n')}

## Faults on the wire

${cells} faults, each of one request: met once, or every time it is sent. ✔: the version was published. **exit**: the exit code. **waits**: seconds that a run waits in all before it
gives up or succeeds. A code in brackets is a warning: the label is published all the same.

${renderWire(wire)}

## Servers and disks

| what | fault | outcome | exit | seconds |
| --- | --- | --- | --- | --- |
${Object.entries(scenarios)
  .map(([name, { seconds, ...outcome }]) => {
    const [server, fault] = splitName(name);
    return `| ${server} | ${fault} | ${inWords(outcome)} | ${outcome.exitCode} | ${Math.ceil(seconds)} |`;
  })
  .join('\n')}
`;
}

function renderWire(wire: Record<string, Outcome>): string {
  const faults = new Map<string, Map<string, string[]>>();
  for (const [name, outcome] of Object.entries(wire)) {
    const [server = '', request = '', ...rest] = name.split(': ');
    const fault = rest.join(': ');
    const waits = outcome.waited > 0 ? `${outcome.waited}` : '–';
    const key = `${inWords(outcome)} | ${outcome.exitCode} | ${waits}`;
    const outcomes = faults.get(fault) ?? new Map<string, string[]>();
    faults.set(fault, outcomes);
    outcomes.set(key, [...(outcomes.get(key) ?? []), server === 'Hub' ? request : `${server}: ${request}`]);
  }
  const rows = [...faults].flatMap(([fault, outcomes]) =>
    [...outcomes]
      .sort(([, a], [, b]) => b.length - a.length)
      .map(([key, requests], index) => `| ${index === 0 ? fault : ''} | ${key} | ${requests.join(', ')} |`),
  );
  return ['| fault | outcome | exit | waits | request |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

function inWords({ labels, besides }: Pick<Outcome, 'labels' | 'besides'>): string {
  const words = labels.map((label) => (label === 'success' ? '✔' : label.replace(/[A-Z]+(?:_[A-Z]+)*/, '`$&`')));
  return words.join(', ') + (besides.length > 0 ? ` (${besides.map((code) => `\`${code}\``).join(', ')})` : '');
}

function splitName(name: string): [string, string] {
  const at = name.indexOf(': ');
  return [name.slice(0, at), name.slice(at + 2)];
}

import { mkdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { realWorld } from '../lib/real-world.ts';
import { openStage, SHIPPED } from './stage.ts';

/**
 * A review to look at: publish a first version, let a week of data come in, edit the spec, and show what the edit would change.
 * Everything lies in ./out/review.
 */

const NEW_WEEK = `
-- 300 complaints come in, and every third is corrected by a reviewer
INSERT INTO complaints (department, urgency, message)
SELECT department, urgency, replace(message, 'ward', 'tole') || ' (again, no. ' || id || ')' FROM complaints WHERE id % 20 = 0 AND message <> '';
INSERT INTO misclassified_complaints (complaint_id, model_predicted_department, model_predicted_urgency, correct_urgency, reviewed, reviewed_at)
SELECT id, department, urgency, CASE urgency WHEN 'NORMAL' THEN 'URGENT' ELSE 'NORMAL' END, true, now()
FROM complaints WHERE id > 6000 AND id % 3 = 0 AND department IS NOT NULL AND urgency IS NOT NULL;
-- some reviews are corrected, and some records are deleted at a citizen's request
UPDATE misclassified_complaints SET correct_urgency = 'HIGHLY URGENT', reviewed_at = now() WHERE reviewed AND correct_urgency = 'URGENT' AND id % 40 = 0;
DELETE FROM complaints WHERE id <= 6000 AND id % 97 = 0;`;

/** What the pull request edits: fewer correct rows, entities decoded, one more pattern. */
const EDITS: [from: string, to: string][] = [
  ['correct: 0.5 ', 'correct: 0.4 '],
  [
    '    - whitespace\n',
    "    - html_entities\n    - { pattern: '\\(again, no\\. \\d+\\)', replace: '' }\n    - whitespace\n",
  ],
];

const OUT = 'out/review';
const world = realWorld();
const say = (line: string) => world.stderr.write(`\n── ${line}\n`);

await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
const before = await Bun.file(SHIPPED).text();
const shipped = relative('.', SHIPPED);
const edited = join(OUT, 'edited.yaml');
await Bun.write(
  edited,
  EDITS.reduce((text, [from, to]) => text.replace(from, to), before),
);

await using stage = await openStage(world, join(OUT, 'published'));
say('Publish a first version with the shipped spec');
const first = await stage.run(['--config', shipped]);
if (first !== 0) process.exit(first);
say('A week of data comes in; the spec is edited; a dry run shows what would change, and why');
await stage.database.exec(NEW_WEEK);
process.exitCode = await stage.run(['--dry-run', '--out', OUT, '--config', edited, '--compare-config', shipped]);
say('Next');
world.stderr.write(`The edit:              diff ${shipped} ${edited}
The report to look at: ${OUT}/report.html
Ship exactly this:     bun pipeline.ts --publish ${OUT}
`);

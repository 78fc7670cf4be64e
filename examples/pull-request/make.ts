import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import { realWorld } from '../../lib/real-world.ts';
import { openStage, SHIPPED } from '../stage.ts';

/**
 * What a pull request that adds a label is made of: the edit of the YAML, and the report of its dry run on the demo database, as it
 * would be posted. Time stands still, so that the same files come of it every time.
 */

const LABEL = `
  # Whether somebody must be called at once, from the urgency that a reviewer gave.
  escalate:
    repo: ./published/escalate
    classes: [false, true]
    sources:
      misclassified: |
        SELECT c.id AS key, c.message AS text, mc.correct = 'HIGHLY URGENT' AS label
        FROM (
          SELECT DISTINCT ON (complaint_id)
            complaint_id, correct_urgency AS correct, model_predicted_urgency AS predicted
          FROM misclassified_complaints
          WHERE reviewed AND correct_urgency IS NOT NULL
          ORDER BY complaint_id, reviewed_at DESC NULLS LAST, id DESC
        ) mc
        JOIN complaints c ON c.id = mc.complaint_id
        WHERE (mc.correct = 'HIGHLY URGENT') IS DISTINCT FROM (mc.predicted = 'HIGHLY URGENT')
      correct: |
        SELECT c.id AS key, c.message AS text, c.urgency = 'HIGHLY URGENT' AS label
        FROM complaints c
        WHERE c.urgency IS NOT NULL
          AND NOT EXISTS (SELECT FROM misclassified_complaints mc WHERE mc.complaint_id = c.id)
    min_samples: 500
`;
const CONFIG = 'pipeline.config.yaml';
const PROPOSED = `proposed/${CONFIG}`; // where the workflow has the pull request's YAML
const NOW = new Date('2026-01-15T09:00:00Z');

/** Make the edit and its report. @param folder where they are written */
export async function makePullRequest(folder: string): Promise<void> {
  const before = await Bun.file(SHIPPED).text();
  const after = before.trimEnd() + LABEL.replace(/^\n/, '\n\n');
  const cwd = await mkdtemp(join(tmpdir(), 'pull-request-'));
  try {
    await Bun.write(join(cwd, CONFIG), before);
    await Bun.write(join(cwd, PROPOSED), after);
    const silent = { write: () => {}, isTTY: false, columns: undefined };
    const world = {
      ...realWorld(),
      cwd,
      tmpdir: cwd,
      clock: { now: () => NOW, sleep: async () => {} },
      stdout: silent,
      stderr: silent,
    };
    await using stage = await openStage(world, 'published');
    const codes = [
      await stage.run([]),
      await stage.run(['--dry-run', '--config', PROPOSED, '--compare-config', CONFIG]),
    ];
    if (codes.some((code) => code !== 0)) throw new Error(`the example ended with ${codes.join(', ')}`);
    const report = await Bun.file(join(cwd, 'out/report.md')).text();
    await Bun.write(join(folder, 'report.md'), withoutSnapshot(report));
    await Bun.write(
      join(folder, 'change.diff'),
      createTwoFilesPatch(`a/${CONFIG}`, `b/${CONFIG}`, before, after, '', ''),
    );
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/** The time and the name of the database's snapshot are another every time, and with them the hash of the metadata and of the plan. */
function withoutSnapshot(report: string): string {
  return report
    .replace(/(?<=<code>dataset_metadata\.json<\/code> \| )[^|\n]+\|[^|\n]+/g, '… | … ')
    .replace(/(?<=figures of )[^,]+/, '…')
    .replace(/\b[0-9a-f]{64}\b/g, '…');
}

if (import.meta.main) await makePullRequest(import.meta.dir);

import { PipelineError } from '../errors.ts';

const FRONT_MATTER = /^---\r?\n[\s\S]*?\r?\n---\r?\n/;

/**
 * README.md of the Space: the front matter of ours, and what somebody who opens its files must know. Our own page would be one of dead
 * links there.
 *
 * @throws PipelineError USAGE where ours has no front matter
 */
export function spaceCard(readme: string): string {
  const [front] = FRONT_MATTER.exec(readme) ?? [];
  if (front === undefined)
    throw new PipelineError('USAGE', 'Cannot deploy: README.md has no front matter, which makes a Space of it', {
      fix: 'restore README.md from git',
    });
  return `${front}
# Prepare Dataset

This Space makes versioned datasets of mistakes that people corrected: [pipeline.config.yaml](pipeline.config.yaml) says where the rows come
from, how they are cleaned and split, and where each label is published.

It works for the minutes of a run and pauses itself. Restarting it is the next run. Its variables and secrets are in *Settings*.

\`bun run deploy\` brings its files up to date, but for this one, which is yours to edit.
`;
}

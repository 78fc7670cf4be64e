import { EFFECTS, formatBytes, formatEffect, formatRestart } from '../figures.ts';
import type { EffectReport, FileReport, LabelReport, RestartReport, RunReport } from '../report.ts';
import { countOf } from '../words.ts';
import { badge, code, facts, lines, linked, type Section, section, table } from './components.ts';
import { type Html, html } from './escape.ts';

/** What a real run would write, or what was written. */

export function planSection({ label, target, plan, files = [], restarts = [] }: LabelReport): Section | undefined {
  if (!plan)
    return section(
      label,
      'plan',
      'What was done',
      restarts.length > 0 && facts([['Restarts', lines(restarts.map(restarted))]]),
      files.length > 0 && fileTable(label, 'Files written', files),
    );
  const { head, createsRepo, version, message, fingerprint, deletions } = plan;
  const repo = createsRepo
    ? html`${code(target)} is created, ${plan.private ? 'private' : html`<b>public</b>`}`
    : html`${code(target)} exists`;
  return section(
    label,
    'plan',
    'What a real run would do',
    facts([
      ['Target', repo],
      ['Made against', head === null ? 'nothing: the target does not exist' : html`revision ${code(head)}`],
      ['Tag', code(version)],
      ['Commit', message],
      ['Deletes', deletions.length > 0 ? lines(deletions.map(code)) : 'nothing'],
      ['Restarts', plan.restarts.length > 0 ? lines(plan.restarts.map((space) => code(space))) : 'no Space'],
      ['Fingerprint', code(fingerprint)],
    ]),
    fileTable(label, 'Files to upload', plan.files),
  );
}

function restarted(restart: RestartReport): Html {
  return html`<bdi>${formatRestart(restart)}</bdi>${restart.status !== 'done' && html` ${badge('warn', 'failed')}`}`;
}

function fileTable(label: string, caption: string, files: FileReport[]): Html {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return table({
    caption,
    of: label,
    columns: [{ head: 'File' }, { head: 'Size', numeric: true }, { head: 'SHA-256' }],
    rows: files.map(({ path, size, sha256 }) => [
      html`<code class="path">${path}</code>`,
      formatBytes(size),
      html`<code class="hash">${sha256}</code>`,
    ]),
    total: [countOf(files.length, 'file'), formatBytes(bytes), ''],
  });
}

/** What happens once for the run, besides publishing. */
export function effectList({ effects, dryRun, running }: RunReport): Html | undefined {
  if (effects.length === 0) return undefined;
  const title = dryRun ? 'What else a real run would do' : running ? 'What else is done' : 'What else was done';
  return html`<h3>${title}</h3>
${facts(effects.map((effect) => [EFFECTS[effect.kind], html`${described(effect)}${running && !dryRun ? badge('quiet', effect.status) : effect.status === 'failed' && badge('warn', 'failed')}`]))}`;
}

/** A run that is tracked has a page of its own. */
function described(effect: EffectReport): Html {
  const isPage = effect.kind === 'tracking' && effect.status === 'done';
  return html`${isPage ? linked(effect.detail, effect.detail) : html`<bdi>${formatEffect(effect)}</bdi>`} `;
}

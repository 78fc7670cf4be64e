import type { Event } from '../../lib/events.ts';
import type { EffectReport, LabelReport } from '../../lib/report/report.ts';
import { dryRun } from '../report/realistic.ts';
import { CHECK_FAILED, department, reviewed, SUCCESS, UNREACHABLE } from '../report/reports.ts';
import { CONNECTED, done, finished, started } from '../report/watched.ts';
import { openTestPage } from './pages.ts';

/** Pages of runs as people meet them, with names in two scripts that are long. */

const TRACKING = 'https://wandb.ai/acme/grievances/runs/20250131-093011-000';
const EFFECTS = (['tracking', 'email', 'history', 'pause'] as const).map((kind) => ({
  kind,
  detail: '',
  status: 'planned' as const,
}));

const bare = ({ label, target, classes }: LabelReport): LabelReport => ({ label, target, classes, seconds: {} });

function fetched({ label, fetched: rows }: LabelReport): Event[] {
  const { misclassified, correct, asked, total } = rows ?? { misclassified: 0, correct: 0, asked: 0, total: 0 };
  return [
    started(label, 'fetch'),
    { type: 'rows.fetched', label, source: 'misclassified', rows: total },
    { type: 'rows.balanced', label, misclassified, asked, correct },
    done(label, 'fetch', 0.2),
  ];
}

function clean(label: LabelReport): Event[] {
  const { kept, dropped } = label;
  return [
    started(label.label, 'clean'),
    {
      type: 'rows.cleaned',
      label: label.label,
      kept: kept?.total ?? 0,
      dropped: { ...dropped } as Record<string, number>,
    },
    done(label.label, 'clean', 0.4),
  ];
}

function split({ label, split: { splits } = { splits: [] } as never }: LabelReport): Event[] {
  return [
    started(label, 'split'),
    { type: 'rows.split', label, splits: Object.fromEntries(splits.map(({ name, rows }) => [name, rows])) },
    done(label, 'split', 1.3),
    started(label, 'check'),
    done(label, 'check', 0.2),
    started(label, 'push'),
  ];
}

/** A run of two labels that all can happen to. */
export async function openRunPage(start = Date.parse('2025-01-31T09:30:11Z')) {
  let now = start;
  const { outcome: _, plan: __, attribution: ___, ...first } = reviewed();
  const { outcome: ____, ...second } = { ...(dryRun().labels[1] as LabelReport), target: 'acme/urgency-mistakes' };
  const passed = (first.checks ?? []).map((check) => ({
    ...check,
    status: 'passed' as const,
    found: check.limit ?? 0,
  }));
  const opened = await openTestPage({
    labels: [bare(first), bare(second)],
    effects: EFFECTS,
    now: () => new Date(now),
  });
  const { events, labels } = opened;
  const { split: _split, lengths: _lengths, ...early } = second;
  const emit = (...many: Event[]) => {
    for (const event of many) {
      now += 300;
      events.emit(event);
    }
  };
  const stages = {
    /** Everything is fetched; the first label is published; the second one is being split. */
    midway() {
      opened.follow();
      emit(...CONNECTED, { type: 'tracking.started', url: TRACKING });
      emit(...fetched(first), ...fetched(second), ...clean(first));
      labels[0] = { ...first, checks: passed, outcome: SUCCESS };
      emit(...split(first), { type: 'upload.progress', label: first.label, path: 'README.md', share: 1 });
      emit(done(first.label, 'push', 6.1), finished(first.label, SUCCESS));
      labels[1] = early;
      emit(...clean(second), started(second.label, 'split'));
    },
    success() {
      stages.midway();
      labels[1] = { ...second, outcome: { ...SUCCESS, url: SUCCESS.url.replace('department', 'urgency') } };
      emit(...split(second), done(second.label, 'push', 3.4), finished(second.label, labels[1].outcome as never));
      stages.tell();
    },
    failure() {
      opened.follow();
      emit(...CONNECTED, { type: 'tracking.started', url: TRACKING }, ...fetched(first), ...fetched(second));
      emit(...clean(first), ...split(first).slice(0, -1), ...clean(second), started(second.label, 'split'));
      labels[0] = { ...first, outcome: { status: 'refused', problem: CHECK_FAILED }, failedStep: 'check' };
      labels[1] = {
        ...early,
        outcome: { status: 'failed', problem: UNREACHABLE },
        failedStep: 'split',
      };
      emit(finished(first.label, labels[0].outcome as never), finished(second.label, labels[1].outcome as never));
      opened.warnings.push('EMAIL_FAILED: Cannot send to mail.example.org', 'the ledger cannot be read');
      stages.tell(1, {
        status: 'failed',
        problem: { code: 'EMAIL_FAILED', message: 'Cannot send to mail.example.org' },
      });
      opened.page.pause('acme/prepare', 'failed');
    },
    skip() {
      opened.follow();
      labels[0] = {
        ...department(),
        outcome: { status: 'skipped_insufficient_data', rows: 412, minimum: 1000, stage: 'fetched' },
      };
      delete labels[0].split;
      delete labels[0].kept;
      delete labels[0].dropped;
      labels[1] = { ...bare(second), outcome: { status: 'unchanged', version: SUCCESS.version } };
      emit(...CONNECTED, ...fetched(first), ...fetched(second));
      for (const each of labels) emit(finished(each.label, each.outcome as never));
      stages.tell();
    },
    tell(exitCode = 0, mail: Omit<EffectReport, 'kind' | 'detail'> = { status: 'done' }) {
      const told = (effect: EffectReport): Event[] => [
        { type: 'effect.started', kind: effect.kind },
        { type: 'effect.finished', effect },
      ];
      emit(
        ...told({ kind: 'tracking', detail: TRACKING, status: 'done' }),
        ...told({ kind: 'email', detail: 'always, to 1 address', ...mail }),
        ...told({ kind: 'history', detail: 'acme/runs', status: 'done' }),
      );
      emit({ type: 'run.finished', exitCode, seconds: (now - start) / 1000 });
    },
  };
  return { ...opened, emit, stages };
}

import type { RunReport } from '../../lib/report/report.ts';

/** What came of a run. */
export interface Outcome {
  /** The labels' statuses with the codes of their problems, sorted, each once; the code of what ended the run before there were any. */
  labels: string[];
  /** Codes of what went wrong besides. */
  besides: string[];
  exitCode: number;
  /** Seconds that the run meant to wait before it tried again. */
  waited: number;
}

/** A run as its report, or its last words, tell it. */
export function describe(report: RunReport | undefined, stderr: string): Pick<Outcome, 'labels' | 'besides'> {
  if (!report) return { labels: [/^[A-Z]+(?:_[A-Z]+)*$/m.exec(stderr)?.[0] ?? 'nothing'], besides: [] };
  const statuses = report.labels.map(({ outcome }) => {
    const problem = outcome && 'problem' in outcome ? ` ${outcome.problem.code}` : '';
    return `${outcome?.status ?? 'nothing'}${problem}`;
  });
  const codes = [
    ...report.labels.flatMap(({ restarts = [] }) => restarts.flatMap(({ problem }) => problem?.code ?? [])),
    ...report.effects.flatMap(({ problem }) => problem?.code ?? []),
    ...[...report.warnings.join('\n').matchAll(/\b([A-Z]+_[A-Z_]+): /g)].map(([, code = '']) => code),
    ...[...stderr.matchAll(/^Warning: ([A-Z_]+):/gm)].map(([, code = '']) => code),
  ];
  return { labels: [...new Set(statuses)].sort(), besides: [...new Set(codes)].sort() };
}

/** What is promised of every run, however it ends: a code that says what it is, the place, and a fix. @returns what is wrong */
export function judge(report: RunReport | undefined, said: string): string[] {
  const problems = (report?.labels ?? []).flatMap(({ label, target, outcome, restarts = [] }) =>
    [
      ...(outcome && 'problem' in outcome ? [outcome.problem] : []),
      ...restarts.flatMap(({ problem }) => problem ?? []),
    ].flatMap(({ code, message, fix }) => [
      ...(fix ? [] : [`${label}: ${code} without a fix`]),
      ...(/^(DATABASE|DISK|OUTPUT)/.test(code) || message.includes(target.split('/')[0] ?? '')
        ? []
        : [`${label}: ${code} without a place: ${message}`]),
    ]),
  );
  return /\bINTERNAL\b/.test(said) ? [...problems, 'INTERNAL'] : problems;
}

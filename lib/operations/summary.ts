import type { Mail } from '../edges/smtp.ts';
import type { RunReport } from '../report/report.ts';
import type { Notice } from './notice.ts';

export interface SummaryFacts {
  report: RunReport;
  notices: Notice[];
  /** Page of the run in W&B. */
  trackingUrl: string | undefined;
}

/** The summary of a run by e-mail. */
export function planMail({ report }: SummaryFacts): Mail {
  return { subject: report.config, text: '', html: '' };
}

/** The same for a webhook, as Slack reads it. */
export function planMessage({ report }: SummaryFacts): object {
  return { text: report.config };
}

/** One notice by itself: what happened after the summary was sent. */
export function planNoticeMail({ title, text }: Notice): Mail {
  return { subject: title, text, html: '' };
}

export function planNoticeMessage({ title, text }: Notice): object {
  return { text: `${title}\n${text}` };
}

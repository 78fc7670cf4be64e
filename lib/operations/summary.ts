import type { Mail } from '../edges/smtp.ts';
import type { Notice } from './notice.ts';
import { line, lines } from './summary/bounded.ts';
import { renderMessage, renderNoticeMessage } from './summary/chat.ts';
import { planDigest, type SummaryFacts } from './summary/digest.ts';
import { renderMail, renderNotice } from './summary/html.ts';
import { renderText } from './summary/text.ts';

export type { SummaryFacts } from './summary/digest.ts';

const SUBJECT = 150; // characters
const MOST_LINES = 30;
const LINE = 1000; // characters

/** The summary of a run by e-mail: its subject begins with what came of it. */
export function planMail(facts: SummaryFacts): Mail {
  const digest = planDigest(facts);
  return { subject: subject(digest.headline), text: renderText(digest), html: renderMail(digest) };
}

/** The same for a webhook, as Slack reads it; `text` alone is enough for the others. */
export function planMessage(facts: SummaryFacts): object {
  return renderMessage(planDigest(facts));
}

/** One notice by itself: what happened after the summary was sent. */
export function planNoticeMail(notice: Notice): Mail {
  const { title, said, tone } = readNotice(notice);
  return {
    subject: subject(title),
    text: `${[title, '', ...said].join('\n')}\n`,
    html: renderNotice(title, tone, said),
  };
}

export function planNoticeMessage(notice: Notice): object {
  const { title, said } = readNotice(notice);
  return renderNoticeMessage(title, said);
}

function readNotice({ title, severity, text }: Notice) {
  const tone = severity === 'ERROR' ? ('bad' as const) : ('warn' as const);
  return { title: line(title, SUBJECT), said: lines(text, MOST_LINES, LINE), tone };
}

/** One line, whatever the names in it: a header ends at a line break. */
function subject(headline: string): string {
  return line(`[Prepare Dataset] ${headline}`, SUBJECT);
}

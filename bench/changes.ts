import { DEPARTMENTS, URGENCIES } from '../lib/demo/tables.ts';
import type { Change } from './results.ts';

/** What happens to a database between two versions, as SQL. */

const APPENDED = 0.05; // of the complaints
const DELETIONS = 50; // complaints with a reviewed mistake
const RELABELS = 100;
const LONG_BYTES = 10_000; // the few long texts are not appended again

export function planChange(change: Change, complaints: number): string {
  const append = planAppend(complaints, Math.floor(complaints * APPENDED));
  return change === 'appended' ? append : `${append}\n${DELETE}\n${RELABEL}`;
}

/** New complaints with ids after all others, as often mistaken as the first ones, whose texts they vary. */
function planAppend(complaints: number, rows: number): string {
  return `
    INSERT INTO complaints (id, citizen_id, department, message, urgency, current_status, date_submitted, ward_id)
    SELECT id + ${complaints}, citizen_id, department, message || ' (again, ' || id || ')', urgency, current_status, date_submitted, ward_id
    FROM complaints WHERE id <= ${rows} AND octet_length(message) < ${LONG_BYTES} ORDER BY id;
    INSERT INTO misclassified_complaints (complaint_id, model_predicted_department, model_predicted_urgency,
      correct_department, correct_urgency, reported_by_admin_id, reviewed, reviewed_at, created_at)
    SELECT complaint_id + ${complaints}, model_predicted_department, model_predicted_urgency,
      correct_department, correct_urgency, reported_by_admin_id, reviewed, reviewed_at, created_at
    FROM misclassified_complaints m WHERE EXISTS (SELECT FROM complaints c WHERE c.id = m.complaint_id + ${complaints}) ORDER BY id;`;
}

/** Mistakes, the same ones each time, of both labels. */
const planMistakes = (salt: string, rows: number) => `
  SELECT complaint_id FROM misclassified_complaints
  WHERE reviewed AND correct_department IS NOT NULL AND correct_urgency IS NOT NULL
  GROUP BY complaint_id ORDER BY md5('${salt}' || complaint_id) LIMIT ${rows}`;

const DELETE = `DELETE FROM complaints WHERE id IN (${planMistakes('delete', DELETIONS)});`;

/** A class that is neither the model's nor the one that stood there: the row stays a mistake. */
const another = (classes: readonly string[], label: string) =>
  `(SELECT min(class) FROM unnest(ARRAY[${classes.map((name) => `'${name}'`).join(', ')}]) AS class
    WHERE class NOT IN (model_predicted_${label}, correct_${label}))`;

const RELABEL = `
  UPDATE misclassified_complaints SET
    correct_department = ${another(DEPARTMENTS, 'department')}, correct_urgency = ${another(URGENCIES, 'urgency')}
  WHERE complaint_id IN (${planMistakes('relabel', RELABELS)});`;

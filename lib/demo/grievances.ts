import { type Random, seededRandom } from './random.ts';
import { DEPARTMENTS, type Department, URGENCIES, type Urgency } from './tables.ts';
import { writeGrievance, writeNearEmpty } from './texts.ts';

/** A row of `complaints`, by column name. The labels are the model's, or NULL where it has not run yet. */
export interface Complaint {
  id: number;
  citizen_id: number;
  department: Department | null;
  message: string;
  urgency: Urgency | null;
  current_status: string;
  date_submitted: string;
  ward_id: number;
}

/** A row of `misclassified_complaints`, by column name. `correct_*` is NULL where the model was right. */
export interface Report {
  id: number;
  complaint_id: number;
  model_predicted_department: Department;
  model_predicted_urgency: Urgency;
  correct_department: Department | null;
  correct_urgency: Urgency | null;
  reported_by_admin_id: number;
  reviewed: boolean;
  reviewed_at: string | null;
  created_at: string;
}

export interface Grievances {
  complaints: Complaint[];
  reports: Report[];
}

const DEPARTMENT_WEIGHTS: readonly (readonly [Department, number])[] = [
  ['Municipal Governance & Community Services', 41],
  ['Infrastructure, Utilities & Natural Resources', 31],
  ['Education, Health & Social Welfare', 18],
  ['Security & Law Enforcement', 10],
];
const URGENCY_WEIGHTS: readonly (readonly [Urgency, number])[] = [
  ['NORMAL', 53],
  ['URGENT', 34],
  ['HIGHLY URGENT', 13],
];
/** What the model gets wrong. The rates leave 1,500 reviewed mistakes of each label among 5,000 complaints. */
const MISTAKE_WEIGHTS: readonly (readonly [mistake: Mistake, weight: number])[] = [
  ['none', 56],
  ['both', 28],
  ['department', 8],
  ['urgency', 8],
];
type Mistake = 'none' | 'both' | 'department' | 'urgency';

const COPIED = 0.08; // exact duplicates of an earlier message
const DISAGREED = 0.05; // of the copies, sent with another urgency: their reviews conflict
const NEAR_EMPTY = 0.01;
const UNCLASSIFIED = 0.01;
const REPORTED = 0.95; // of the mistakes
const REVIEWED = 0.95; // of the reports
const REPEATED = 0.06; // of the reviewed reports, reviewed again
const FIRST_DAY = Date.UTC(2024, 0, 1);
const MINUTE = 60_000; // ms
const DAY = 1440 * MINUTE;

/** What a grievance is really about, which only its reviewer knows. */
interface Truth {
  message: string;
  department: Department;
  urgency: Urgency;
}

/** Generated grievances and the reviews of a model's mistakes. The same seed gives the same rows everywhere. */
export function generateGrievances({ count = 6000, seed = 42 }: { count?: number; seed?: number } = {}): Grievances {
  const random = seededRandom(seed);
  const truths: Truth[] = [];
  const complaints: Complaint[] = [];
  const reports: Report[] = [];
  for (let id = 1; id <= count; id++) {
    const truth = nextTruth(random, truths);
    truths.push(truth);
    const complaint = classify(random, id, truth);
    complaints.push(complaint);
    for (const report of review(random, complaint, truth)) reports.push({ ...report, id: reports.length + 1 });
  }
  return { complaints, reports };
}

function nextTruth(random: Random, earlier: readonly Truth[]): Truth {
  if (earlier.length > 0 && random.chance(COPIED)) {
    const original = random.pick(earlier);
    return random.chance(DISAGREED) ? { ...original, urgency: other(random, URGENCIES, original.urgency) } : original;
  }
  const department = random.weighted(DEPARTMENT_WEIGHTS);
  const urgency = random.weighted(URGENCY_WEIGHTS);
  const message = random.chance(NEAR_EMPTY) ? writeNearEmpty(random) : writeGrievance(random, department, urgency);
  return { message, department, urgency };
}

function classify(random: Random, id: number, { message, department, urgency }: Truth): Complaint {
  const mistake = random.weighted(MISTAKE_WEIGHTS);
  const classified = !random.chance(UNCLASSIFIED);
  const wrongDepartment = mistake === 'both' || mistake === 'department';
  const wrongUrgency = mistake === 'both' || mistake === 'urgency';
  return {
    id,
    citizen_id: random.between(1, 3000),
    department: classified ? (wrongDepartment ? other(random, DEPARTMENTS, department) : department) : null,
    message,
    urgency: classified ? (wrongUrgency ? other(random, URGENCIES, urgency) : urgency) : null,
    current_status: random.pick(['PENDING', 'IN PROGRESS', 'RESOLVED']),
    date_submitted: new Date(FIRST_DAY + id * 90 * MINUTE).toISOString(),
    ward_id: random.between(1, 400),
  };
}

/** Reports about one complaint in the order they were made: none where the model was right, two where a review was corrected. */
function review(random: Random, complaint: Complaint, truth: Truth): Omit<Report, 'id'>[] {
  const { department, urgency } = complaint;
  if (department === null || urgency === null) return [];
  const correctDepartment = department === truth.department ? null : truth.department;
  const correctUrgency = urgency === truth.urgency ? null : truth.urgency;
  if ((correctDepartment === null && correctUrgency === null) || !random.chance(REPORTED)) return [];
  const reviewed = random.chance(REVIEWED);
  const createdAt = Date.parse(complaint.date_submitted) + random.between(1, 5) * DAY;
  const report: Omit<Report, 'id'> = {
    complaint_id: complaint.id,
    model_predicted_department: department,
    model_predicted_urgency: urgency,
    correct_department: correctDepartment,
    correct_urgency: correctUrgency,
    reported_by_admin_id: random.between(1, 25),
    reviewed,
    reviewed_at: reviewed ? new Date(createdAt + DAY).toISOString() : null,
    created_at: new Date(createdAt).toISOString(),
  };
  return reviewed && random.chance(REPEATED) ? [mistaken(random, report), later(report, 7 * DAY)] : [report];
}

/** A review that was itself wrong: each label it names is neither the truth nor, where there is a third class, the model's. */
function mistaken(random: Random, report: Omit<Report, 'id'>): Omit<Report, 'id'> {
  const { correct_department, correct_urgency } = report;
  return {
    ...report,
    correct_department:
      correct_department && other(random, DEPARTMENTS, correct_department, report.model_predicted_department),
    correct_urgency: correct_urgency && other(random, URGENCIES, correct_urgency, report.model_predicted_urgency),
  };
}

function later(report: Omit<Report, 'id'>, ms: number): Omit<Report, 'id'> {
  const shift = (time: string) => new Date(Date.parse(time) + ms).toISOString();
  return {
    ...report,
    created_at: shift(report.created_at),
    reviewed_at: report.reviewed_at && shift(report.reviewed_at),
  };
}

function other<T>(random: Random, classes: readonly T[], ...excluded: readonly T[]): T {
  return random.pick(classes.filter((name) => !excluded.includes(name)));
}

/** The two tables of the shipped spec, as a grievance service keeps them. Class names are checked by the database. */

export const DEPARTMENTS = [
  'Municipal Governance & Community Services',
  'Education, Health & Social Welfare',
  'Infrastructure, Utilities & Natural Resources',
  'Security & Law Enforcement',
] as const;

export const URGENCIES = ['NORMAL', 'URGENT', 'HIGHLY URGENT'] as const;

export type Department = (typeof DEPARTMENTS)[number];
export type Urgency = (typeof URGENCIES)[number];

const DEPARTMENT_LIST = DEPARTMENTS.map((name) => `'${name}'`).join(', ');
const URGENCY_LIST = URGENCIES.map((name) => `'${name}'`).join(', ');

const departmentColumn = (name: string) => `${name} varchar(100) CHECK (${name} IN (${DEPARTMENT_LIST}))`;
const urgencyColumn = (name: string) => `${name} varchar(20) CHECK (${name} IN (${URGENCY_LIST}))`;

export const CREATE_TABLES = `
CREATE TABLE complaints (
  id serial PRIMARY KEY,
  citizen_id int,
  ${departmentColumn('department')},
  message text NOT NULL,
  message_processed text,
  ${urgencyColumn('urgency')},
  current_status varchar(20) DEFAULT 'PENDING',
  date_submitted timestamptz DEFAULT now(),
  ward_id int,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now()
);
CREATE TABLE misclassified_complaints (
  id serial PRIMARY KEY,
  complaint_id int NOT NULL REFERENCES complaints (id) ON DELETE CASCADE,
  ${departmentColumn('model_predicted_department')},
  ${urgencyColumn('model_predicted_urgency')},
  ${departmentColumn('correct_department')},
  ${urgencyColumn('correct_urgency')},
  reported_by_admin_id int,
  reviewed boolean DEFAULT false,
  reviewed_at timestamptz,
  created_at timestamptz DEFAULT now()
);
`;

/** Apart from the tables, since rows are loaded faster before it exists. */
export const CREATE_INDEXES = 'CREATE INDEX ON misclassified_complaints (complaint_id);';

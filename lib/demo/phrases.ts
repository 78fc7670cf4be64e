import type { Department, Urgency } from './tables.ts';

/**
 * What the sentences of one language are made of. Slots: {place} a ward of a municipality, {city} the municipality, {spot} a place in
 * it, {n} 2 to 9, {many} 12 to 60.
 */
export interface Phrases {
  /** Before the issue, with its own final space or line break. */
  openers: readonly string[];
  /** One sentence that alone decides department and urgency. */
  issues: Readonly<Record<Department, Readonly<Record<Urgency, readonly string[]>>>>;
  /** What happened so far: fits every issue of the department. */
  details: Readonly<Record<Department, readonly string[]>>;
  /** What the citizen asks for: fits every issue of the urgency. */
  asks: Readonly<Record<Urgency, readonly string[]>>;
  spots: readonly string[];
}

/** Municipalities of Nepal: English name, Nepali name, number of wards. */
export const PLACES: readonly (readonly [english: string, nepali: string, wards: number])[] = [
  ['Kathmandu', 'काठमाडौं', 32],
  ['Lalitpur', 'ललितपुर', 29],
  ['Bhaktapur', 'भक्तपुर', 10],
  ['Kirtipur', 'कीर्तिपुर', 10],
  ['Budhanilkantha', 'बुढानीलकण्ठ', 13],
  ['Pokhara', 'पोखरा', 33],
  ['Bharatpur', 'भरतपुर', 29],
  ['Birgunj', 'वीरगञ्ज', 32],
  ['Biratnagar', 'विराटनगर', 19],
  ['Butwal', 'बुटवल', 19],
  ['Dharan', 'धरान', 20],
  ['Hetauda', 'हेटौंडा', 19],
  ['Janakpurdham', 'जनकपुरधाम', 25],
  ['Nepalgunj', 'नेपालगञ्ज', 23],
  ['Dhangadhi', 'धनगढी', 19],
  ['Itahari', 'इटहरी', 20],
  ['Tulsipur', 'तुलसीपुर', 19],
  ['Ghorahi', 'घोराही', 19],
  ['Bhimdatta', 'भीमदत्त', 19],
  ['Birendranagar', 'वीरेन्द्रनगर', 16],
  ['Damak', 'दमक', 10],
  ['Mechinagar', 'मेचीनगर', 15],
  ['Gorkha', 'गोरखा', 14],
  ['Baglung', 'बागलुङ', 14],
  ['Tansen', 'तानसेन', 14],
  ['Banepa', 'बनेपा', 14],
  ['Dhulikhel', 'धुलिखेल', 12],
  ['Panauti', 'पनौती', 12],
  ['Siddharthanagar', 'सिद्धार्थनगर', 13],
  ['Kalaiya', 'कलैया', 27],
  ['Lahan', 'लहान', 24],
  ['Rajbiraj', 'राजविराज', 16],
  ['Ilam', 'इलाम', 12],
  ['Besisahar', 'बेसीशहर', 11],
  ['Waling', 'वालिङ', 14],
  ['Gulariya', 'गुलरिया', 12],
  ['Tikapur', 'टीकापुर', 9],
];

/** Messages that say nothing; most of them are empty once cleaned. */
export const NEAR_EMPTY: readonly string[] = [
  '',
  ' ',
  '\n\n',
  '\u00a0\u00a0',
  '<br>',
  '<p></p>',
  '<div> <br/> </div>',
  'https://photos.example.com/upload/latest',
  'www.example.org',
  '...',
  '?',
  'ok',
  'test',
  'नमस्ते',
  'धन्यवाद।',
];

import { NEAR_EMPTY, PLACES } from './phrases.ts';
import { ENGLISH } from './phrases-en.ts';
import { NEPALI } from './phrases-ne.ts';
import type { Random } from './random.ts';
import type { Department, Urgency } from './tables.ts';

const NEPALI_SHARE = 0.4;
/** Share of the texts that get each kind of dirt; one text can get several. */
const DIRT_SHARE = 0.04;

/** One grievance as a citizen sent it, dirt included. */
export function writeGrievance(random: Random, department: Department, urgency: Urgency): string {
  const nepali = random.chance(NEPALI_SHARE);
  const { openers, issues, details, asks, spots } = nepali ? NEPALI : ENGLISH;
  const opener = random.chance(0.35) ? random.pick(openers) : '';
  const sentences = [random.pick(issues[department][urgency])];
  if (random.chance(urgency === 'HIGHLY URGENT' ? 0.2 : 0.6)) sentences.push(random.pick(details[department]));
  if (random.chance(0.8)) sentences.push(random.pick(asks[urgency]));
  return soil(random, fillSlots(random, opener + sentences.join(' '), nepali, random.pick(spots)));
}

export function writeNearEmpty(random: Random): string {
  return random.pick(NEAR_EMPTY);
}

function fillSlots(random: Random, template: string, nepali: boolean, spot: string): string {
  const [english, nepaliName, wards] = random.pick(PLACES);
  const city = nepali ? nepaliName : english;
  const ward = random.between(1, wards);
  const numeral = (value: number) => (nepali ? devanagari(value) : String(value));
  return template
    .replaceAll('{place}', nepali ? `${city}-${numeral(ward)}` : `${city} ward ${ward}`)
    .replaceAll('{city}', city)
    .replaceAll('{spot}', spot)
    .replaceAll('{n}', () => numeral(random.between(2, 9)))
    .replaceAll('{many}', () => numeral(random.between(12, 60)));
}

function devanagari(value: number): string {
  return String(value).replace(/\d/g, (digit) => String.fromCodePoint(0x966 + Number(digit)));
}

type Dirt = (random: Random, text: string) => string;

/** What web forms, phones and copy-and-paste leave in a text; markup comes after what breaks at spaces. */
const DIRTS: readonly Dirt[] = [
  (_, text) => text.replace(' ', '&nbsp;'),
  (_, text) => text.replace(/ (?=\S+ \S+$)/, '\u00a0'),
  (_, text) => `<p>${text}</p>`,
  (_, text) => text.replace(/([.।!?]) /, '$1<br/>'),
  (random, text) => `<div class="msg" style="color:#${random.between(100, 999)}">${text}</div>`,
  (random, text) => `${text} https://photos.example.com/g/${random.between(1000, 99_999)}.jpg`,
  (random, text) => `${text}\nwww.example.org/complaint?id=${random.between(1000, 99_999)}`,
  (_, text) => text.replace(/([.।!?]) /g, '$1\n'),
  (_, text) => text.replace(/, /, ',\r\n\r\n'),
  (_, text) => `  ${text.replace(' ', ' \t ')}\u2003 `,
];

function soil(random: Random, text: string): string {
  return DIRTS.reduce((soiled, dirt) => (random.chance(DIRT_SHARE) ? dirt(random, soiled) : soiled), text);
}

/* Keeps the page as the server has it. Without it, the page loads itself again from time to time. */

const LOST = 'The connection is lost; trying again. What stands here may be old.';
const AGAIN_MS = 10_000; // after an answer that is none: a browser tries again by itself only where the connection broke

const connection = document.getElementById('connection');
const main = document.getElementById('main');
const places = { header: document.querySelector('header'), nav: document.querySelector('nav') };

function say(text) {
  if (connection.textContent === text) return;
  connection.replaceChildren();
  if (text === '') return;
  const paragraph = document.createElement('p');
  paragraph.textContent = text;
  const callout = document.createElement('div');
  callout.className = 'callout warn';
  callout.append(paragraph);
  connection.append(callout);
}

/** What tells a node from its neighbours, so that one that is put before it does not change what is folded out. */
function keyOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return '';
  const { id, dataset } = node;
  const of = node.getAttribute('aria-labelledby') ?? node.getAttribute('aria-label') ?? '';
  const heading = /^(section|details)$/i.test(node.nodeName) ? (node.firstElementChild?.id ?? '') : '';
  return id || dataset.key || of || heading;
}

const isAlike = (one, other) => one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

/** Make a node like another one and keep it: what is open, focused or scrolled in it stays so. */
function become(node, wanted) {
  if (node.isEqualNode(wanted)) return;
  if (node.nodeType !== Node.ELEMENT_NODE) {
    node.data = wanted.data;
    return;
  }
  for (const { name } of [...node.attributes])
    if (!wanted.hasAttribute(name) && name !== 'open') node.removeAttribute(name);
  for (const { name, value } of wanted.attributes)
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  let at = node.firstChild;
  for (const child of [...wanted.childNodes]) {
    const kept = find(at, child);
    if (!kept) {
      node.insertBefore(child, at);
      continue;
    }
    while (at !== kept) at = drop(at);
    become(kept, child);
    at = kept.nextSibling;
  }
  while (at) at = drop(at);
}

/** The node that a wanted one stands for; further on only where it has a name. */
function find(from, wanted) {
  if (!from || isAlike(from, wanted)) return from;
  if (keyOf(wanted) === '') return null;
  let node = from;
  while (node && !isAlike(node, wanted)) node = node.nextSibling;
  return node;
}

function drop(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function show({ title, parts }) {
  document.title = title;
  const present = new Map([...document.querySelectorAll('[data-part]')].map((each) => [each.dataset.part, each]));
  let before = connection;
  for (const { id, hash, markup } of parts) {
    const place = places[id];
    let element = present.get(id);
    present.delete(id);
    if (!element) {
      element = document.createElement('div');
      element.dataset.part = id;
      if (place) place.append(element);
    }
    if (!place) {
      if (before.nextElementSibling !== element) main.insertBefore(element, before.nextSibling);
      before = element;
    }
    if (markup === undefined || element.dataset.hash === hash) continue;
    const wanted = element.cloneNode(false);
    wanted.dataset.hash = hash;
    const template = document.createElement('template');
    template.innerHTML = markup;
    wanted.append(document.adoptNode(template.content));
    become(element, wanted);
  }
  for (const element of present.values()) element.remove();
}

function listen() {
  const source = new EventSource('events');
  source.addEventListener('state', ({ data }) => {
    const state = JSON.parse(data);
    show(state);
    say('');
    if (state.over) source.close();
  });
  source.addEventListener('error', () => {
    say(LOST);
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  });
}

listen();

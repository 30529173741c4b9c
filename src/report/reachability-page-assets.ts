export const pageStyle = `
body { font: 14px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #1b1f24; background: #fff; }
label { margin-right: 1rem; }
input { font: inherit; padding: .2rem .4rem; width: 18rem; }
.warning { border-left: 4px solid #d4a72c; padding-left: .6rem; }
.scroll { overflow: auto; max-height: 70vh; margin: 1rem 0; }
table { border-collapse: collapse; }
th, td { border: 1px solid #d0d7de; padding: .15rem .4rem; text-align: left; font-weight: normal; }
#matrix thead th { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 16rem; }
#matrix td { min-width: 1.4rem; text-align: center; cursor: default; }
#matrix td.all { background: #aceebb; }
#matrix td.some { background: #fff3b8; }
#matrix td.self { background: #eaeef2; }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117; }
  th, td { border-color: #30363d; }
  #matrix td.all { background: #1a5a2b; }
  #matrix td.some { background: #6b5200; }
  #matrix td.self { background: #21262d; }
}
`;

/** Rows are sources, columns destinations; both are cut at what a browser shows at ease. */
export const pageScript = `
const { ends, connections, texts } = JSON.parse(document.getElementById('data').textContent);
const byPair = new Map();
for (const [from, to, text] of connections) {
  const key = from * ends.length + to;
  byPair.set(key, byPair.has(key) ? byPair.get(key) + '; ' + texts[text] : texts[text]);
}
const most = { ends: 60, lines: 500 };
const input = (id) => document.getElementById(id);
const matching = (id) => {
  const words = input(id).value.toLowerCase().split(/\\s+/).filter(Boolean);
  return ends.flatMap((end, number) => words.every((word) => end.toLowerCase().includes(word)) ? [number] : []);
};
const element = (name, text = '', attributes = {}) => {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};
function drawMatrix(rows, columns) {
  const head = element('tr');
  head.append(element('th', 'from \\\\ to'), ...columns.map((to) => element('th', ends[to], { scope: 'col' })));
  const thead = element('thead');
  thead.append(head);
  const body = element('tbody');
  for (const from of rows) {
    const row = element('tr');
    row.append(element('th', ends[from], { scope: 'row' }));
    for (const to of columns) {
      const text = byPair.get(from * ends.length + to);
      const kind = text ? (text.startsWith('all ports') ? 'all' : 'some') : from === to ? 'self' : 'none';
      row.append(element('td', text ? (kind === 'all' ? '\\u25cf' : '\\u25d0') : '', { class: kind, title: ends[from] + ' \\u2192 ' + ends[to] + ': ' + (text ?? 'nothing') }));
    }
    body.append(row);
  }
  input('matrix').replaceChildren(thead, body);
}
function drawList(rows, columns) {
  const [sources, destinations] = [new Set(rows), new Set(columns)];
  const found = connections.filter(([from, to]) => sources.has(from) && destinations.has(to));
  const lines = found.slice(0, most.lines).map(([from, to, text]) => {
    const line = element('tr');
    line.append(element('td', ends[from]), element('td', ends[to]), element('td', texts[text]));
    return line;
  });
  input('list').replaceChildren(...lines);
  const cut = rows.length > most.ends || columns.length > most.ends || found.length > most.lines;
  input('count').textContent = found.length + ' connections' + (cut ? '; only the first are shown: search for names' : '');
}
function draw() {
  const [rows, columns] = [matching('from'), matching('to')];
  drawMatrix(rows.slice(0, most.ends), columns.slice(0, most.ends));
  drawList(rows, columns);
}
for (const id of ['from', 'to']) input(id).addEventListener('input', draw);
draw();
`;

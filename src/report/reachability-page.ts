/** Who may reach whom as one HTML page that needs nothing else: a search over both ends, a matrix, a list. */
import type { Reachability } from '../model/reachability.js';
import { allowedText } from './reachability.js';
import { pageScript, pageStyle } from './reachability-page-assets.js';

export function* printReachabilityPage({ endpoints, connections, warnings }: Reachability): Generator<string> {
  yield `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Reachability</title>
<style>${pageStyle}</style>
<h1>Who may reach whom</h1>
${warnings.map((warning) => `<p class="warning">${escaped(warning)}</p>`).join('\n')}
<p><label>From <input id="from" type="search" placeholder="part of a name"></label>
<label>To <input id="to" type="search" placeholder="part of a name"></label>
<span id="count" role="status"></span></p>
<div class="scroll"><table id="matrix"></table></div>
<table id="list"></table>
<script type="application/json" id="data">`;
  yield* data(
    endpoints.map(({ id }) => id),
    connections,
  );
  yield `</script>\n<script>${pageScript}</script>\n</html>\n`;
}

/** Ends and texts once, connections as numbers of them. Nothing in it can end the script that holds it. */
function* data(ids: readonly string[], connections: Reachability['connections']): Generator<string> {
  const numbers = new Map(ids.map((id, index) => [id, index]));
  const texts = new Map<string, number>();
  yield `{"ends":${inScript(ids)},"connections":[`;
  let separator = '';
  for (const one of connections) {
    const text = allowedText(one);
    const number = texts.get(text) ?? texts.size;
    texts.set(text, number);
    yield `${separator}[${numbers.get(one.from) ?? -1},${numbers.get(one.to) ?? -1},${number}]`;
    separator = ',';
  }
  yield `],"texts":${inScript([...texts.keys()])}}`;
}

const inScript = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

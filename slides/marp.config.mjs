// How Marp makes pages of the decks that scripts/lib/decks.py has expanded.
//
// In a block `code` or `output` each line begins with two letters: what it is
// (+ new, - gone, blank there before, . left out, $ a command), and when it is
// to be seen (? not yet, ! now for the first time).

const KINDS = { '+': 'new', '-': 'gone', '.': 'dots', $: 'command' };
const STATES = { '?': ' hidden', '!': ' now' };

function escape(text) {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}

// A tag of the highlighter that is open at a line's end is closed there, and
// opened again on the next line.
function splitLines(html) {
  const open = [];
  return html.split('\n').map((line) => {
    const before = open.join('');
    for (const tag of line.match(/<span[^>]*>|<\/span>/g) ?? []) {
      tag === '</span>' ? open.pop() : open.push(tag);
    }
    return before + line + '</span>'.repeat(open.length);
  });
}

function show(code, highlight) {
  const lines = code.replace(/\n$/, '').split('\n');
  const bare = splitLines(highlight(lines.map((line) => line.slice(2)).join('\n')));
  return lines
    .map((line, number) => {
      const kind = KINDS[line[0]] ?? 'same';
      const state = STATES[line[1]] ?? '';
      const sign = '+-'.includes(line[0]) ? line[0] : ' ';
      return `<span class="line ${kind}${state}"><b>${sign}</b>${bare[number]}</span>`;
    })
    .join('');
}

// An arrow: Marp takes a function with a prototype for a class.
const engine = ({ marp }) => {
  const plain = marp.highlighter.bind(marp);
  marp.highlighter = (code, language, attributes) => {
    switch (language) {
      case 'code':
        return show(code, (text) => plain(text, 'cpp', ''));
      case 'output':
        return show(code, escape);
      default:
        return plain(code, language, attributes);
    }
  };
  return marp;
};

export default {
  engine,
  html: true,
  themeSet: [new URL('theme.css', import.meta.url).pathname],
  options: {
    math: false,
    markdown: { breaks: false },
    emoji: { shortcode: false, unicode: false },
  },
};

// Says which slides have something that sticks out, or is too small to read.
//
//   node measure.mjs FOLDER_OF_NODE_MODULES BROWSER DECK.html...
//
// The decks are Marp's, made with --template bare. One browser looks at all
// of them. Prints a line for each fault, and how many slides it has seen.

import { createRequire } from 'node:module';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, browserPath, ...decks] = process.argv.slice(2);
const require = createRequire(`${resolve(modules)}/`);
const puppeteer = require('puppeteer-core');

// Runs in the page.
function faultsOfPage() {
  const smallest = 19;
  const slack = 1.5;

  function visible(element) {
    const style = getComputedStyle(element);
    return style.visibility !== 'hidden' && style.display !== 'none';
  }

  function inner(section) {
    const box = section.getBoundingClientRect();
    const style = getComputedStyle(section);
    const scale = box.width / section.offsetWidth;
    return {
      left: box.left + parseFloat(style.paddingLeft) * scale,
      right: box.right - parseFloat(style.paddingRight) * scale,
      top: box.top + parseFloat(style.paddingTop) * scale,
      bottom: box.bottom - parseFloat(style.paddingBottom) * scale,
    };
  }

  function* boxes(section) {
    const walker = document.createTreeWalker(
      section, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
      if (element.closest('footer, header, script, style')) continue;
      if (node.nodeType === Node.TEXT_NODE) {
        if (!node.data.trim() || !visible(element)) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const box of range.getClientRects()) {
          yield [box, node.data.trim().slice(0, 40), element];
        }
      } else if (visible(element)) {
        const box = element.getBoundingClientRect();
        if (box.width || box.height) yield [box, `<${element.localName}>`, null];
      }
    }
  }

  function channels(color) {
    const [red, green, blue, alpha] = color.match(/[\d.]+/g).map(Number);
    return { rgb: [red, green, blue], alpha: alpha ?? 1 };
  }

  function luminance(rgb) {
    const [red, green, blue] = rgb.map((value) => value / 255).map(
      (part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  // As WCAG has it: 1 is none, 4.5 the least for text.
  function contrast(element) {
    let behind = element;
    while (behind && channels(getComputedStyle(behind).backgroundColor).alpha < 1) {
      behind = behind.parentElement;
    }
    const back = behind ? channels(getComputedStyle(behind).backgroundColor).rgb : [255, 255, 255];
    const values = [channels(getComputedStyle(element).color).rgb, back].map(luminance);
    return (Math.max(...values) + 0.05) / (Math.min(...values) + 0.05);
  }

  function faultsOf(section) {
    const room = inner(section);
    const faults = [];
    for (const [box, what, element] of boxes(section)) {
      const over = Math.max(
        room.left - box.left, box.right - room.right,
        room.top - box.top, box.bottom - room.bottom);
      if (over > slack) {
        faults.push(`${what} sticks out by ${Math.ceil(over)} pixels`);
      }
      // Within a block of its own, such as code, too.
      const frame = element?.closest('pre, td, p, li')?.getBoundingClientRect();
      if (frame && box.right > frame.right + slack) {
        faults.push(`${what} is wider than its block`);
      }
      if (element && parseFloat(getComputedStyle(element).fontSize) < smallest) {
        faults.push(`${what} is smaller than ${smallest} pixels`);
      }
      if (element && contrast(element) < 4.5) {
        faults.push(`${what} hardly differs from what is behind it`);
      }
    }
    for (const image of section.querySelectorAll('img')) {
      const box = image.getBoundingClientRect();
      if (!image.naturalWidth || box.width < 300 || box.height < 150) {
        faults.push('a picture is missing, or smaller than 300 by 150 pixels');
      }
    }
    return faults.slice(0, 3);
  }

  return [...document.querySelectorAll('section')].map(faultsOf);
}

const browser = await puppeteer.launch({
  executablePath: browserPath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
let slides = 0;
let faults = 0;
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 720 });
  for (const deck of decks) {
    await page.goto(pathToFileURL(resolve(deck)).href);
    const pages = await page.evaluate(faultsOfPage);
    pages.forEach((list, number) => {
      for (const fault of list) {
        console.log(`${basename(deck, '.html')} slide ${number + 1}: ${fault}`);
        ++faults;
      }
    });
    slides += pages.length;
  }
} finally {
  await browser.close();
}
console.log(`${slides} slides, ${faults} faults`);
process.exitCode = faults === 0 && slides > 0 ? 0 : 1;

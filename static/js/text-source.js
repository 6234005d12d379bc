// Where each piece of a rendering stands in the stored text, counted in Unicode code points.

const LETTERS = /[\p{L}\p{N}]|[^\x00-\x7f\s]/gu;

/** Count what a reader would miss: letters, digits and everything that is not ASCII. */
export function weigh(text) {
  return text.match(LETTERS)?.length ?? 0;
}

/** A stored text beside the form that Markdown reads, in which every line ends with "\n". */
export class Source {
  constructor(raw) {
    this.text = raw.replace(/\r\n?/g, "\n");
    this.points = codePoints(raw);
    this.hasOddLineEnds = raw.includes("\r");
    this.lineStarts = [0];
    for (let at = this.text.indexOf("\n"); at >= 0; at = this.text.indexOf("\n", at + 1)) {
      this.lineStarts.push(at + 1);
    }
  }

  line(number) {
    const end = this.lineStarts[number + 1] - 1;
    return this.text.slice(this.lineStarts[number], Number.isNaN(end) ? undefined : end);
  }

  /** Place lines of content that are what is left of source lines once their indent is cut. */
  placeLines(content, firstLine) {
    let at = 0;
    return content.split("\n").map((line, number) => {
      const placed = { at, length: line.length, source: this.#endOfLine(line, firstLine + number) };
      at += line.length + 1;
      return placed;
    });
  }

  #endOfLine(content, number) {
    if (number >= this.lineStarts.length) return -1;
    const line = this.line(number).trimEnd();
    const kept = content.trimEnd();
    return line.endsWith(kept) ? this.lineStarts[number] + line.length - kept.length : -1;
  }
}

/** For each position of the text with "\n" line ends, the code point it has in the raw text. */
function codePoints(raw) {
  const points = new Uint32Array(raw.length + 1);
  let to = 0;
  let point = 0;
  for (let from = 0; from < raw.length; from++, point++) {
    const unit = raw.charCodeAt(from);
    points[to++] = point;
    if (unit === 13 && raw.charCodeAt(from + 1) === 10) {
      from++;
      point++;
    } else if (unit >= 0xd800 && unit < 0xdc00) {
      points[to++] = point;
      from++;
    }
  }
  points[to] = point;
  return points;
}

/**
 * Cut a stretch of content into runs that are verbatim in the source: `[text, code point]`, or
 * `[text, -1]` where the place is not certain.
 */
export function* runs(source, lines, start, end, content) {
  for (let number = lineAt(lines, start); number < lines.length; number++) {
    const line = lines[number];
    if (line.at >= end) return;
    const from = Math.max(start, line.at);
    const to = Math.min(end, line.at + line.length);
    if (from < to) {
      const at = line.source < 0 ? -1 : line.source + from - line.at;
      const text = content.slice(from, to);
      const isVerbatim = at >= 0 && source.text.startsWith(text, at);
      yield [text, isVerbatim ? source.points[at] : -1];
    }
    const breakAt = line.at + line.length;
    if (start <= breakAt && breakAt < end) yield ["\n", -1];
  }
}

/** The number of the line that holds a position. */
function lineAt(lines, position) {
  let [low, high] = [0, lines.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (lines[middle].at <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

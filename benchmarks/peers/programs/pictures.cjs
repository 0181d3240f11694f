// Pictures of a clip by ffmpeg, and the answer that every program of a peer gives. Knows nothing of fer-phq.

const { spawn } = require('node:child_process');
const fs = require('node:fs');

const FACE_SIDE = 48;

// Parses a program's command line: CLIP [--fps F], or --faces FILE, or --load; `flags` are further switches.
function parseOptions(flags = []) {
  const options = { fps: 2 };
  const words = process.argv.slice(2);
  while (words.length) {
    const word = words.shift();
    if (word === '--fps') options.fps = Number(words.shift());
    else if (word === '--faces') options.faces = words.shift();
    else if (word === '--load') options.load = true;
    else if (flags.includes(word)) options[word.slice(2)] = true;
    else if (word.startsWith('--')) throw new Error(`Unknown option ${word}.`);
    else options.clip = word;
  }
  return options;
}

// Yields { timeS, width, height, rgb } of the sampled pictures, which ffmpeg writes as PPM.
async function* sampledPictures(path, fps) {
  const sampling = path.endsWith('.png') ? [] : ['-vf', `fps=${fps}`]; // of a picture's 40 ms no sample would be left
  const words = ['-loglevel', 'error', '-i', path, ...sampling, '-c:v', 'ppm', '-f', 'image2pipe', '-'];
  const ffmpeg = spawn('ffmpeg', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve, reject) => {
    ffmpeg.on('error', reject);
    ffmpeg.on('close', (code) => (code ? reject(new Error(`ffmpeg ended with ${code} at ${path}.`)) : resolve()));
  });
  ended.catch(() => {}); // it is awaited below, when the pictures are used up
  let parts = [];
  let length = 0;
  let number = 0;
  let size = null;
  for await (const part of ffmpeg.stdout) {
    parts.push(part);
    length += part.length;
    while (true) {
      if (!size && length) {
        const joined = Buffer.concat(parts);
        parts = [joined];
        size = readHeader(joined);
      }
      if (!size || length < size.begin + size.bytes) break;
      const joined = Buffer.concat(parts);
      const rgb = joined.subarray(size.begin, size.begin + size.bytes);
      yield { timeS: number / fps, width: size.width, height: size.height, rgb };
      number += 1;
      parts = [joined.subarray(size.begin + size.bytes)];
      length = parts[0].length;
      size = null;
    }
  }
  await ended;
}

// Reads the header of a PPM, "P6\nWIDTH HEIGHT\n255\n"; null while it has not all arrived.
function readHeader(buffer) {
  const header = /^P6\n(\d+) (\d+)\n255\n/.exec(buffer.subarray(0, 40).toString('latin1'));
  if (!header) return null;
  const width = Number(header[1]);
  const height = Number(header[2]);
  return { width, height, begin: header[0].length, bytes: width * height * 3 };
}

// Yields the grey faces of a file as RGB bytes, 48 x 48 x 3.
function* readFaces(path) {
  const bytes = fs.readFileSync(path);
  const area = FACE_SIDE * FACE_SIDE;
  for (let start = 0; start < bytes.length; start += area) {
    const rgb = new Uint8Array(area * 3);
    for (let i = 0; i < area; i += 1) rgb.fill(bytes[start + i], i * 3, i * 3 + 3);
    yield rgb;
  }
}

// Writes the answer on a clip: one row a sampled picture, { timeS, faces: [{ emotion: score }] }.
function printFrames(rows) {
  const faces = rows.reduce((sum, row) => sum + row.faces.length, 0);
  const document = { frames: rows.length, faces, rows: rows.map((row) => ({ time_s: row.timeS, faces: row.faces })) };
  process.stdout.write(`${JSON.stringify(document)}\n`);
}

// Writes the answer on faces: each face's top emotion, in the peer's own words.
function printTop(names) {
  process.stdout.write(`${JSON.stringify({ top: names })}\n`);
}

// Writes that the networks are loaded.
function printLoaded() {
  process.stdout.write(`${JSON.stringify({ loaded: true })}\n`);
}

module.exports = { FACE_SIDE, parseOptions, sampledPictures, readFaces, printFrames, printTop, printLoaded };

// @vladmandic/human: detection and emotion on the sampled pictures of a clip, by WebAssembly.
// All other networks are off, and nothing is carried over from one picture to the next, so that each has its answer.

const fs = require('node:fs');
const path = require('node:path');
const { fileURLToPath } = require('node:url');
const { createRequire } = require('node:module');
const pictures = require('./pictures.cjs');

// The packages lie in the peer's environment, which is the working folder, and not beside this file.
const requirePackage = createRequire(path.join(process.cwd(), 'package.json'));
const tf = requirePackage('@tensorflow/tfjs');
const wasm = requirePackage('@tensorflow/tfjs-backend-wasm');
// By its path: the package's list of doors gives this file to bundlers alone.
const FOLDER = path.join(process.cwd(), 'node_modules', '@vladmandic', 'human');
const { Human } = requirePackage(path.join(FOLDER, 'dist', 'human.node-wasm.js'));

const MODELS = path.join(FOLDER, 'models', path.sep);
const BINARIES = path.join(process.cwd(), 'node_modules', '@tensorflow', 'tfjs-backend-wasm', 'dist', path.sep);
const CLASSES = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'];
const LUMA = [0.2989, 0.587, 0.114];

const CONFIG = {
  backend: 'wasm',
  wasmPath: BINARIES,
  modelBasePath: `file://${MODELS}`,
  warmup: 'none',
  cacheSensitivity: 0,
  filter: { enabled: false },
  gesture: { enabled: false },
  face: {
    enabled: true,
    detector: { skipFrames: 0, skipTime: 0 },
    mesh: { enabled: false },
    iris: { enabled: false },
    description: { enabled: false },
    emotion: { enabled: true, minConfidence: 0, skipFrames: 0, skipTime: 0 },
  },
  body: { enabled: false },
  hand: { enabled: false },
  object: { enabled: false },
};

// Its networks are fetched, and Node fetches no files.
const fetchUrl = globalThis.fetch;
globalThis.fetch = async (url, ...rest) => {
  if (!String(url).startsWith('file:')) return fetchUrl(url, ...rest);
  return new Response(fs.readFileSync(fileURLToPath(String(url))));
};

async function main() {
  const options = pictures.parseOptions();
  wasm.setWasmPaths(BINARIES);
  await tf.setBackend('wasm');
  await tf.ready();
  const human = new Human(CONFIG);
  await human.load();
  if (options.load) {
    pictures.printLoaded();
  } else if (options.faces) {
    const network = human.models.models.emotion;
    const names = [];
    for (const rgb of pictures.readFaces(options.faces)) names.push(classifyFace(network, rgb));
    pictures.printTop(names);
  } else {
    const rows = [];
    for await (const picture of pictures.sampledPictures(options.clip, options.fps)) {
      rows.push({ timeS: picture.timeS, faces: await detect(human, picture) });
    }
    pictures.printFrames(rows);
  }
}

async function detect(human, { width, height, rgb }) {
  const tensor = tf.tensor3d(rgb, [height, width, 3], 'int32');
  const answer = await human.detect(tensor);
  tf.dispose(tensor);
  if (answer.error) throw new Error(answer.error);
  return answer.face.map((face) => Object.fromEntries(face.emotion.map(({ emotion, score }) => [emotion, score])));
}

// Runs the emotion network alone, with human's own preprocessing (src/gear/emotion.ts): human has no door to it.
function classifyFace(network, rgb) {
  const scores = tf.tidy(() => {
    const face = tf.div(tf.tensor4d(rgb, [1, pictures.FACE_SIDE, pictures.FACE_SIDE, 3], 'float32'), 255);
    const side = network.inputs[0].shape[2];
    const grey = tf.sum(tf.mul(tf.image.resizeBilinear(face, [side, side], false), LUMA), 3, true);
    return network.execute(tf.mul(tf.sub(grey, 0.5), 2)).dataSync();
  });
  return CLASSES[scores.indexOf(Math.max(...scores))];
}

main().catch((error) => {
  process.stderr.write(`${error.stack || error}\n`);
  process.exit(1);
});

// @vladmandic/face-api: detection and expressions on the sampled pictures of a clip, by WebAssembly.

const path = require('node:path');
const { createRequire } = require('node:module');
const pictures = require('./pictures.cjs');

// The packages lie in the peer's environment, which is the working folder, and not beside this file.
const requirePackage = createRequire(path.join(process.cwd(), 'package.json'));
const tf = requirePackage('@tensorflow/tfjs');
const wasm = requirePackage('@tensorflow/tfjs-backend-wasm');
const faceapi = requirePackage('@vladmandic/face-api/dist/face-api.node-wasm.js');

const MODELS = path.join(process.cwd(), 'node_modules', '@vladmandic', 'face-api', 'model');
const BINARIES = path.join(process.cwd(), 'node_modules', '@tensorflow', 'tfjs-backend-wasm', 'dist', path.sep);

async function main() {
  const options = pictures.parseOptions(['--tiny']);
  wasm.setWasmPaths(BINARIES);
  await tf.setBackend('wasm');
  await tf.ready();
  const detector = options.tiny ? faceapi.nets.tinyFaceDetector : faceapi.nets.ssdMobilenetv1;
  await detector.loadFromDisk(MODELS);
  await faceapi.nets.faceExpressionNet.loadFromDisk(MODELS);
  if (options.load) {
    pictures.printLoaded();
  } else if (options.faces) {
    const names = [];
    for (const rgb of pictures.readFaces(options.faces)) names.push(await classifyFace(rgb));
    pictures.printTop(names);
  } else {
    const settings = options.tiny ? new faceapi.TinyFaceDetectorOptions() : new faceapi.SsdMobilenetv1Options();
    const rows = [];
    for await (const picture of pictures.sampledPictures(options.clip, options.fps)) {
      rows.push({ timeS: picture.timeS, faces: await detect(picture, settings) });
    }
    pictures.printFrames(rows);
  }
}

async function detect({ width, height, rgb }, settings) {
  const tensor = tf.tensor3d(rgb, [height, width, 3], 'int32');
  const faces = await faceapi.detectAllFaces(tensor, settings).withFaceExpressions();
  tf.dispose(tensor);
  return faces.map((face) => ({ ...face.expressions }));
}

async function classifyFace(rgb) {
  const tensor = tf.tensor3d(rgb, [pictures.FACE_SIDE, pictures.FACE_SIDE, 3], 'int32');
  const expressions = await faceapi.nets.faceExpressionNet.predictExpressions(tensor);
  tf.dispose(tensor);
  return expressions.asSortedArray()[0].expression;
}

main().catch((error) => {
  process.stderr.write(`${error.stack || error}\n`);
  process.exit(1);
});

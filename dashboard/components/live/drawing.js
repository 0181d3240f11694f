// What is drawn over a picture: boxes, points of the mesh, axes of the head pose and the gaze, in the picture's pixels.
const AXES = ["#ff5a5a", "#4fd06a", "#5aa2ff"];
const NOSE = 1;
const IRISES = [468, 473];
const IRIS_POINTS = 478;

// Directions of a head's axes as seen by the camera: to the person's left, up, to the front. x right, y up, z near.
function headAxes({ pitch_deg, yaw_deg, roll_deg }) {
  const [pitch, yaw, roll] = [pitch_deg, yaw_deg, roll_deg].map((degrees) => (degrees * Math.PI) / 180);
  const front = direction(pitch, yaw);
  const level = [Math.cos(yaw), 0, -Math.sin(yaw)];
  const upright = cross(front, level);
  const left = level.map((value, i) => value * Math.cos(roll) + upright[i] * Math.sin(roll));
  return [left, cross(front, left), front];
}

function direction(pitch, yaw) {
  return [Math.sin(yaw) * Math.cos(pitch), Math.sin(pitch), Math.cos(yaw) * Math.cos(pitch)];
}

function cross([a, b, c], [x, y, z]) {
  return [b * z - c * y, c * x - a * z, a * y - b * x];
}

// The face that the figures are of: the one with the largest box.
function largest(faces) {
  const area = ({ box: [x0, y0, x1, y1] }) => (x1 - x0) * (y1 - y0);
  return faces.reduce((best, face) => (best && area(best) >= area(face) ? best : face), null);
}

// A line that is seen on light and on dark pictures.
function stroke(context, from, to, colour, width) {
  for (const [ink, wide] of [["rgba(0,0,0,.55)", width + 2], [colour, width]]) {
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.strokeStyle = ink;
    context.lineWidth = wide;
    context.stroke();
  }
}

function drawBox(context, face, isMain, words) {
  const [x0, y0, x1, y1] = face.box;
  for (const [ink, wide] of [["rgba(0,0,0,.55)", isMain ? 5 : 3], ["#fff", isMain ? 3 : 1]]) {
    context.strokeStyle = ink;
    context.lineWidth = wide;
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  }
  context.font = "600 15px sans-serif";
  const wide = context.measureText(words).width + 10;
  const top = y0 >= 24 ? y0 - 24 : y0;
  const left = Math.max(0, Math.min(x0, context.canvas.width / context.getTransform().a - wide));
  context.fillStyle = "rgba(0,0,0,.72)";
  context.fillRect(left, top, wide, 22);
  context.fillStyle = "#fff";
  context.fillText(words, left + 5, top + 16);
}

function drawMesh(context, points) {
  for (const [ink, side] of [["rgba(0,0,0,.45)", 2.2], ["rgba(255,255,255,.9)", 1.2]]) {
    context.fillStyle = ink;
    for (const [x, y] of points) context.fillRect(x - side / 2, y - side / 2, side, side);
  }
}

function drawPose(context, face) {
  const [x0, , x1] = face.box;
  const length = 0.6 * (x1 - x0);
  const from = face.points ? face.points[NOSE].slice(0, 2) : [(x0 + x1) / 2, (face.box[1] + face.box[3]) / 2];
  headAxes(face.head_pose).forEach(([x, y], i) => {
    stroke(context, from, [from[0] + length * x, from[1] - length * y], AXES[i], 3);
  });
}

function drawGaze(context, face) {
  if (face.points?.length !== IRIS_POINTS) return;
  const [x, y] = direction(...[face.gaze.pitch_deg, face.gaze.yaw_deg].map((degrees) => (degrees * Math.PI) / 180));
  const length = 0.6 * (face.box[2] - face.box[0]);
  for (const iris of IRISES) {
    const from = face.points[iris].slice(0, 2);
    stroke(context, from, [from[0] + length * x, from[1] - length * y], "#ffd84a", 2);
  }
}

// Draw a picture and what was measured in it. `layers`: boxes, mesh, pose, gaze; `words(face)`: what stands at a box.
function drawResult(context, picture, faces, layers, words) {
  context.drawImage(picture, 0, 0);
  const main = largest(faces);
  for (const face of faces) {
    if (layers.mesh && face.points) drawMesh(context, face.points);
    if (layers.pose && face.head_pose) drawPose(context, face);
    if (layers.gaze && face.gaze) drawGaze(context, face);
    if (layers.boxes) drawBox(context, face, face === main, words(face));
  }
}

// Runs models in ONNX Runtime: NODE_PATH=... node tests/onnx/run.js JOBS.json
// JOBS: list of { model, input (file of float32), shape, outputs: { NAME: file that is written } }. Prints the shapes of the outputs, a line a job.
const fs = require('fs')
const ort = require('onnxruntime-node')

async function main() {
  for (const job of JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))) {
    const session = await ort.InferenceSession.create(job.model, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 })
    const bytes = fs.readFileSync(job.input)
    const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
    const results = await session.run({ image: new ort.Tensor('float32', data, job.shape) })
    const shapes = {}
    for (const name of Object.keys(job.outputs)) {
      const t = results[name]
      shapes[name] = t.dims
      fs.writeFileSync(job.outputs[name], Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength))
    }
    console.log(JSON.stringify(shapes))
    await session.release()
  }
}

main().catch((error) => { console.error(String(error)); process.exit(1) })

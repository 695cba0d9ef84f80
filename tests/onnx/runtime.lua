--- ONNX Runtime for Node.js, as npm has it: installed below build/bench by make bench and make test-all.
local runtime = {}

local function output(command)
  local pipe = io.popen(command .. " 2>/dev/null")
  local text = pipe:read("*a")
  pipe:close()
  return text
end

--- NODE_PATH where it is, or is to be.
function runtime.modules(root) return root .. "/build/bench/node/node_modules" end

function runtime.install(root)
  os.execute(("mkdir -p %s/build/bench; npm install --silent --no-fund --no-audit --ignore-scripts --prefix %s/build/bench/node onnxruntime-node "
    .. ">/dev/null 2>&1"):format(root, root))
end

--- Its version, or nil where it cannot be used.
function runtime.version(root)
  return output(("NODE_PATH=%s node -p 'require(\"onnxruntime-node\"), require(\"onnxruntime-node/package.json\").version'")
    :format(runtime.modules(root))):match("%d[%d%.]+")
end

return runtime

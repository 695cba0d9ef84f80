--- A Slurm of its own for a test: munge, a controller and one node on loopback, below a folder.
--   local up = slurm.start(folder)      { environment =, stop = function }; nil and why it cannot start
local files = require "ramus.base.files"
local processes = require "processes"
local sh = processes.sh

local slurm = {}

local CONFIGURATION = [[
ClusterName=test
SlurmctldHost=HOST(127.0.0.1)
SlurmctldPort=PORT1
SlurmdPort=PORT2
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=DIR/munge/socket
CredType=cred/munge
StateSaveLocation=DIR/state
SlurmdSpoolDir=DIR/spool
SlurmctldPidFile=DIR/slurmctld.pid
SlurmdPidFile=DIR/slurmd.pid
SlurmctldLogFile=DIR/slurmctld.log
SlurmdLogFile=DIR/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
NodeName=HOST NodeAddr=127.0.0.1 CPUs=COUNT State=UNKNOWN
PartitionName=loop Nodes=HOST Default=YES MaxTime=INFINITE State=UP
]]

local BEGIN = [[
( set -e
mkdir -p DIR/state DIR/spool DIR/munge; chmod 755 DIR; chmod 711 DIR/munge
head -c 128 /dev/urandom > DIR/munge/key; chmod 600 DIR/munge/key
munged --force --key-file=DIR/munge/key --socket=DIR/munge/socket --pid-file=DIR/munge/pid --log-file=DIR/munge/log --seed-file=DIR/munge/seed > DIR/said 2>&1
SLURM_CONF=DIR/slurm.conf; export SLURM_CONF
slurmctld -f DIR/slurm.conf > DIR/said 2>&1
slurmd -f DIR/slurm.conf >> DIR/said 2>&1
for i in $(seq 100); do sinfo --noheader --format=%t 2>/dev/null | grep -q idle && exit 0; sleep 0.2; done
cat DIR/said; tail -n 3 DIR/slurmctld.log; exit 1 )
]]

local END = "for f in slurmd.pid slurmctld.pid munge/pid; do [ -f DIR/$f ] && kill $(cat DIR/$f) && sleep 0.5; done; true"

function slurm.start(folder)
  for _, name in ipairs { "munged", "slurmctld", "slurmd", "sbatch" } do
    if select(2, sh("command -v " .. name)) ~= 0 then return nil, ("there is no %s (Debian's slurm-wlm, munge)"):format(name) end
  end
  if sh("id -u"):match "%d+" ~= "0" then return nil, "only root may start Slurm's daemons" end
  local port = 20000 + os.time() % 10000
  local function filled(text)
    return (text:gsub("DIR", folder):gsub("HOST", (sh("hostname -s"):gsub("%s", ""))):gsub("PORT1", port):gsub("PORT2", port + 1)
      :gsub("COUNT", (sh("nproc"):gsub("%s", ""))))
  end
  assert(files.make_folder(folder))
  assert(files.write(folder .. "/slurm.conf", filled(CONFIGURATION)))
  local said, status = sh(filled(BEGIN))
  local function stop() sh(filled(END)) end
  if status == 0 then return { environment = "SLURM_CONF=" .. folder .. "/slurm.conf", stop = stop } end
  stop()
  return nil, "Slurm did not start: " .. said:gsub("\n", " ")
end

return slurm

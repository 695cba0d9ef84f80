--- Real servers on loopback, started when first asked for: nginx, and a bad one in Python (fetch_server.py). Both serve the folder
-- `served`; `folder` holds what they need. good() and bad() give an address; .tls_url is nginx's by https, or nil; close() ends them.
local check = require "check"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local C = ffi.C

local function shell(command) return os.execute(command) == 0 end

local function wait_for(path)
  for _ = 1, 100 do
    if files.is_file(path) then return true end
    C.ra_sleep(0.05)
  end
end

return function(folder, served)
  local servers, bad_server, bad_url, nginx, good_url = {}, nil, nil, nil, nil

  function servers.bad()
    if bad_url then return bad_url end
    if not shell("command -v /usr/bin/python3 >/dev/null") then check.skip("no python3") end
    bad_server = io.popen(("exec /usr/bin/python3 %s/tests/fetch_server.py %s %s 2>/dev/null"):format(check.root, served,
      folder .. "/port"), "w")
    if not wait_for(folder .. "/port") then error("the test server did not start") end
    bad_url = "http://127.0.0.1:" .. assert(files.read(folder .. "/port"))
    return bad_url
  end

  --- A certificate that nobody signed but itself, for 127.0.0.1.
  local function certificate()
    return shell(("command -v openssl >/dev/null && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
      .. "-addext subjectAltName=IP:127.0.0.1 -keyout %s/nginx/key -out %s/nginx/cert 2>/dev/null"):format(folder, folder))
  end

  function servers.good()
    if good_url then return good_url end
    local program = shell("command -v nginx >/dev/null") and "nginx" or "/usr/sbin/nginx"
    if not shell(program .. " -v 2>/dev/null") then check.skip("no nginx") end
    os.execute("mkdir -p " .. folder .. "/nginx")
    local tls = certificate()
    for try = 1, 20 do
      local port = 20000 + math.floor(C.ra_random_uniform(C.ra_clock() * 1000, try, 0, 0, 0) * 20000)
      assert(files.write(folder .. "/nginx/conf", ([[
daemon off; master_process off; worker_processes 1; pid %s/nginx/pid; error_log %s/nginx/error.log;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path %s/nginx/b; proxy_temp_path %s/nginx/p; fastcgi_temp_path %s/nginx/f;
  uwsgi_temp_path %s/nginx/u; scgi_temp_path %s/nginx/s;
  server {
    listen 127.0.0.1:%d; TLS
    location /files/ { alias SERVED/; }
    location /noranges/ { alias SERVED/; max_ranges 0; }
    location /moved/ { rewrite ^/moved/(.*)$ /files/$1 redirect; }
    location /loop { return 302 /loop; }
    location /busy/ { return 503; }
    location /plainly/ { return 302 http://127.0.0.1:%d/files/file.bin; }
  }
}]]):gsub("%%s", folder):gsub("%%d", port):gsub("SERVED", served)
        :gsub("TLS", not tls and "" or ("listen 127.0.0.1:%d ssl; ssl_certificate %s/nginx/cert; ssl_certificate_key %s/nginx/key;")
          :format(port + 1, folder, folder))))
      -- ends with this process, however that ends
      nginx = io.popen(("%s -c %s/nginx/conf >/dev/null 2>&1 </dev/null & p=$!; read -r x; kill $p 2>/dev/null")
        :format(program, folder), "w")
      for _ = 1, 40 do
        C.ra_sleep(0.05)
        if files.is_file(folder .. "/nginx/pid") and #files.read(folder .. "/nginx/pid") > 1 then
          good_url, servers.tls_url = "http://127.0.0.1:" .. port, tls and "https://127.0.0.1:" .. port + 1
          return good_url
        end
      end
      nginx:close()
    end
    error("nginx did not start: " .. files.read(folder .. "/nginx/error.log"))
  end

  function servers.close()
    if bad_server then bad_server:close() end
    if nginx then nginx:close() end
  end

  return servers
end

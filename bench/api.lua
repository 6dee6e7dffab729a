-- wrk script: creates uniquely named pods that no scheduler takes up. Environment: TOKEN, PREFIX.
local prefix = os.getenv("PREFIX") or "bench"
local threads = 0
function setup(thread) thread:set("tid", threads); threads = threads + 1 end
function init() counter = 0 end
function request()
  counter = counter + 1
  local name = string.format("%s-%d-%d", prefix, tid, counter)
  local body = string.format('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"%s","labels":{"app":"bench","tier":"t%d"}},"spec":{"schedulingGates":[{"name":"sampan.dev/bench"}],"containers":[{"name":"c","image":"registry.local/bench:1","command":["/bin/app","--flag=value"],"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"resources":{"requests":{"cpu":"100m","memory":"64Mi"},"limits":{"memory":"128Mi"}},"ports":[{"containerPort":8080}]}]}}', name, counter % 16)
  return wrk.format("POST", "/api/v1/namespaces/default/pods", { ["Authorization"] = "Bearer " .. os.getenv("TOKEN"), ["Content-Type"] = "application/json" }, body)
end
local refused = 0
function response(status, _, body)
  if status < 300 then return end
  refused = refused + 1
  if refused == 1 then io.stderr:write(status .. " " .. body:sub(1, 300) .. "\n") end
end

-- Rewrite the time selection of the selected tracks with symbolic-music; alternatives become takes.
-- Start the server first: symbolic-music studio --no-browser. It prints its address; this script asks for it once.
-- Needs curl, which Windows 10, macOS and most Linux have.

local COUNT = 4
local address = reaper.GetExtState("symbolic-music", "address")

local function fail(text)
  reaper.ShowMessageBox(text, "symbolic-music", 0)
  error(text, 0)
end

-- One request. The answer is text: only lists of numbers and single numbers are read from it.
local function ask(method, path, body)
  local base, token = address:match("^(https?://[^/]+)/%?token=([%w%-_]+)")
  if not base then fail("The address looks like http://127.0.0.1:PORT/?token=...") end
  local file = os.tmpname()
  local handle = assert(io.open(file, "w"))
  handle:write(body or "")
  handle:close()
  local command = ('curl -s -m 600 -X %s -H "X-Token: %s" --data-binary "@%s" "%s/api%s"'):format(method, token, file, base, path)
  local answer = reaper.ExecProcess(command, 600000) or ""
  os.remove(file)
  answer = answer:gsub("^%d+\n", "")
  local wrong = answer:match('"error"%s*:%s*"(.-)"%s*}')
  if wrong then fail(wrong) end
  if answer == "" then fail("The studio does not answer at " .. base) end
  return answer
end

local function numbers(text, name)
  local found = {}
  for number in (text:match('"' .. name .. '"%s*:%s*%[([%d,%s]*)%]') or ""):gmatch("%d+") do found[#found + 1] = tonumber(number) end
  return found
end

if address == "" then
  local ok, given = reaper.GetUserInputs("symbolic-music", 1, "Address of the studio,extrawidth=240", "")
  if not ok then return end
  address = given
  reaper.SetExtState("symbolic-music", "address", address, true)
end

local from, to = reaper.GetSet_LoopTimeRange(false, false, 0, 0, false)
if to <= from then fail("Select a stretch of time first.") end
local QUARTER = 480
local function ticks(seconds) return math.floor(reaper.TimeMap2_timeToQN(0, seconds) * QUARTER + 0.5) end

-- All MIDI of the project as changes of an empty piece, so that the model hears the other tracks too.
local changes, notes, chosen, tracks = {}, {}, {}, {}
for t = 0, reaper.CountTracks(0) - 1 do
  local track = reaper.GetTrack(0, t)
  if t > 0 then changes[#changes + 1] = '{"do":"new-track"}' end
  if reaper.IsTrackSelected(track) then chosen[#chosen + 1] = t; tracks[t] = track end
  for i = 0, reaper.CountTrackMediaItems(track) - 1 do
    local take = reaper.GetActiveTake(reaper.GetTrackMediaItem(track, i))
    if take and reaper.TakeIsMIDI(take) then
      local _, count = reaper.MIDI_CountEvts(take)
      for n = 0, count - 1 do
        local _, _, muted, first, last, _, pitch, velocity = reaper.MIDI_GetNote(take, n)
        local a, b = reaper.MIDI_GetProjQNFromPPQPos(take, first), reaper.MIDI_GetProjQNFromPPQPos(take, last)
        if not muted and b > a then
          notes[#notes + 1] = ('{"onset":%d,"duration":%d,"pitch":%d,"velocity":%d,"track":%d}'):format(
            math.floor(a * QUARTER + 0.5), math.max(1, math.floor((b - a) * QUARTER + 0.5)), pitch, math.max(1, velocity), t)
        end
      end
    end
  end
end
if #chosen == 0 then fail("Select the tracks to be rewritten.") end
if #notes == 0 then fail("There are no MIDI notes in this project.") end

local id = ask("POST", "/sessions", ""):match('"id"%s*:%s*"([%w%-]+)"')
for i = 1, #notes, 5000 do changes[#changes + 1] = '{"do":"add","notes":[' .. table.concat(notes, ",", i, math.min(i + 4999, #notes)) .. "]}" end
local tempo = reaper.TimeMap_GetDividedBpmAtTime(from)
changes[#changes + 1] = ('{"do":"tempo","quarters_per_minute":%.3f}'):format(tempo)
local one = "/sessions/" .. id
ask("POST", one .. "/changes", '{"state":1,"changes":[' .. table.concat(changes, ",") .. "]}")
local wish = ('{"verb":"rewrite","state":2,"spans":[[%d,%d]],"tracks":[%s],"alternatives":%d}'):format(
  ticks(from), ticks(to), table.concat(chosen, ","), COUNT)
local edit = ask("POST", one .. "/edits", wish):match('"edit"%s*:%s*(%d+)')
local facts = ask("GET", one .. "/edits/" .. edit .. "/events") -- ends when all is drawn
local wrong = facts:match('event: failed\ndata: {"message": "(.-)"}')
if wrong then fail(wrong) end

reaper.Undo_BeginBlock()
for _, t in ipairs(chosen) do
  local item = reaper.CreateNewMIDIItemInProj(tracks[t], from, to, false)
  for k = 0, COUNT - 1 do
    local take = k == 0 and reaper.GetActiveTake(item) or reaper.AddTakeToMediaItem(item)
    if k > 0 then
      local source = reaper.PCM_Source_CreateFromType("MIDI")
      reaper.SetMediaItemTake_Source(take, source)
    end
    reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", "alternative " .. (k + 1), true)
    local told = ask("GET", one .. "/edits/" .. edit .. "/alternatives/" .. k)
    local onset, duration, pitch = numbers(told, "onset"), numbers(told, "duration"), numbers(told, "pitch")
    local velocity, own = numbers(told, "velocity"), numbers(told, "track")
    for n = 1, #onset do
      if own[n] == t and onset[n] >= ticks(from) and onset[n] < ticks(to) then
        local a = reaper.MIDI_GetPPQPosFromProjQN(take, onset[n] / QUARTER)
        local b = reaper.MIDI_GetPPQPosFromProjQN(take, (onset[n] + duration[n]) / QUARTER)
        reaper.MIDI_InsertNote(take, false, false, a, b, 0, pitch[n], velocity[n], true)
      end
    end
    reaper.MIDI_Sort(take)
  end
end
reaper.Undo_EndBlock("symbolic-music: rewrite", -1)
reaper.UpdateArrange()

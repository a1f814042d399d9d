-- Rewrite the time selection of the selected tracks with symbolic-music; alternatives become takes.
-- Start the server first: symbolic-music studio --no-browser. It prints its address; this script asks for it once.
-- Needs curl, which Windows 10, macOS and most Linux have.

local COUNT = 4
local QUARTER = 480 -- ticks
local DRUMS = 9 -- the drum channel, from 0

-- Tracks that send no program change get the General MIDI program of the first of these words in their name.
local PROGRAMS = {
  { "bass", 33 }, { "guitar", 27 }, { "violin", 40 }, { "cello", 42 }, { "string", 48 }, { "choir", 52 }, { "trumpet", 56 },
  { "brass", 61 }, { "sax", 65 }, { "flute", 73 }, { "clarinet", 71 }, { "organ", 16 }, { "pad", 89 }, { "lead", 80 },
}
local DRUM_WORDS = { "drum", "percussion", "beat" }

local address = reaper.GetExtState("symbolic-music", "address")

local function fail(text)
  reaper.ShowMessageBox(text, "symbolic-music", 0)
  error(text, 0)
end

-- One request. The answer is text: only lists of numbers, single numbers and names of tracks are read from it.
local function ask(method, path, body)
  local base, token = address:match("^(https?://[^/]+)/%?token=([%w%-_]+)")
  if not base then fail("The address looks like http://127.0.0.1:PORT/?token=...") end
  local file = reaper.GetResourcePath() .. "/symbolic-music-request.tmp"
  local handle = assert(io.open(file, "wb"))
  handle:write(body or "")
  handle:close()
  local curl = reaper.GetOS():match("^Win") and "curl" or "/usr/bin/curl"
  local command = ('%s -s -m 600 -X %s -H "X-Token: %s" --data-binary "@%s" "%s/api%s"'):format(curl, method, token, file, base, path)
  local answer = reaper.ExecProcess(command, 600000) or ""
  os.remove(file)
  answer = answer:gsub("^%-?%d+\r?\n", "") -- the exit status of curl
  local wrong = answer:match('"error"%s*:%s*"(.-)"%s*}')
  if wrong then fail(wrong) end
  if answer == "" then
    reaper.DeleteExtState("symbolic-music", "address", true) -- the next run asks for the address again
    fail("The studio does not answer at " .. base)
  end
  return answer
end

local function numbers(text, name)
  local found = {}
  for number in (text:match('"' .. name .. '"%s*:%s*%[([%d,%s]*)%]') or ""):gmatch("%d+") do found[#found + 1] = tonumber(number) end
  return found
end

-- A chunk of a MIDI file: events are {tick, rank, bytes}; at one tick, lower ranks come first.
local function chunk(events)
  table.sort(events, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    if a[2] ~= b[2] then return a[2] < b[2] end
    return a[3] < b[3]
  end)
  local parts, now = {}, 0
  for _, event in ipairs(events) do
    local delta, digits = event[1] - now, {}
    repeat
      table.insert(digits, 1, string.char((delta & 127) | (#digits > 0 and 128 or 0)))
      delta = delta >> 7
    until delta == 0
    parts[#parts + 1] = table.concat(digits) .. event[3]
    now = event[1]
  end
  local body = table.concat(parts) .. "\0\xff\x2f\0"
  return "MTrk" .. string.pack(">I4", #body) .. body
end

local function tick(quarters) return math.max(0, math.floor(quarters * QUARTER + 0.5)) end

-- Meters and tempos of all measures up to a position in quarter notes.
local function conductor(last)
  local events, meter, tempo, measure = {}, "", -1, 0
  while true do
    local _, from, to, upper, lower = reaper.TimeMap_GetMeasureInfo(0, measure)
    if from > last or to <= from then break end
    local exponent = math.floor(math.log(lower, 2) + 0.5)
    local said = "\xff\x58\x04" .. string.char(upper & 255, exponent, 24, 8)
    if said ~= meter then events[#events + 1] = { tick(from), 0, said } end
    local microseconds = math.floor((reaper.TimeMap2_QNToTime(0, to) - reaper.TimeMap2_QNToTime(0, from)) / (to - from) * 1e6 + 0.5)
    if microseconds ~= tempo then
      events[#events + 1] = { tick(from), 0, "\xff\x51\x03" .. string.pack(">I3", math.min(microseconds, 16777215)) }
    end
    meter, tempo, measure = said, microseconds, measure + 1
  end
  return chunk(events)
end

-- The events of one track that sound, its last quarter note, and the channel of its first note.
local function music(track, number)
  local events, last, channel, programs = {}, 0, nil, false
  for i = 0, reaper.CountTrackMediaItems(track) - 1 do
    local item = reaper.GetTrackMediaItem(track, i)
    local take = reaper.GetActiveTake(item)
    if take and reaper.TakeIsMIDI(take) and reaper.GetMediaItemInfo_Value(item, "B_MUTE") == 0 then
      local start = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
      local stop = reaper.TimeMap2_timeToQN(0, start + reaper.GetMediaItemInfo_Value(item, "D_LENGTH"))
      start = reaper.TimeMap2_timeToQN(0, start)
      local function place(position) return reaper.MIDI_GetProjQNFromPPQPos(take, position) end
      local _, notes, controls = reaper.MIDI_CountEvts(take)
      for n = 0, notes - 1 do
        local _, _, muted, first, ending, own, pitch, velocity = reaper.MIDI_GetNote(take, n)
        local a, b = place(first), math.min(place(ending), stop)
        if not muted and a > start - 1e-6 and b > a then
          channel, last = channel or own, math.max(last, b)
          events[#events + 1] = { tick(a), 2, string.char(0x90 | own, pitch, math.max(1, velocity)) }
          events[#events + 1] = { math.max(tick(a) + 1, tick(b)), 1, string.char(0x80 | own, pitch, 0) }
        end
      end
      for n = 0, controls - 1 do
        local _, _, muted, at, kind, own, first, second = reaper.MIDI_GetCC(take, n)
        if not muted and place(at) < stop then
          programs = programs or kind == 0xC0
          local short = kind == 0xC0 or kind == 0xD0
          events[#events + 1] = { tick(place(at)), 1, short and string.char(kind | own, first) or string.char(kind | own, first, second) }
        end
      end
    end
  end
  local _, name = reaper.GetTrackName(track)
  name = name:lower()
  for _, word in ipairs(DRUM_WORDS) do
    if name:find(word, 1, true) then
      for _, event in ipairs(events) do event[3] = string.char(event[3]:byte() & 0xf0 | DRUMS) .. event[3]:sub(2) end
      programs = true
    end
  end
  for _, pair in ipairs(PROGRAMS) do
    if not programs and name:find(pair[1], 1, true) then
      events[#events + 1] = { 0, 0, string.char(0xC0 | (channel or number % 9), pair[2]) }
      programs = true
    end
  end
  events[#events + 1] = { 0, 0, "\xff\x03" .. string.char(#("t" .. number)) .. "t" .. number }
  return events, last, channel or 0
end

if address == "" then
  local ok, given = reaper.GetUserInputs("symbolic-music", 1, "Address of the studio,extrawidth=240", "")
  if not ok then return end
  address = given
  reaper.SetExtState("symbolic-music", "address", address, true)
end

local from, to = reaper.GetSet_LoopTimeRange(false, false, 0, 0, false)
if to <= from then fail("Select a stretch of time first.") end
local first, stop = tick(reaper.TimeMap2_timeToQN(0, from)), tick(reaper.TimeMap2_timeToQN(0, to))

-- All MIDI of the project as a MIDI file, so that the model reads the other tracks too.
local chunks, chosen, channels, last = {}, {}, {}, reaper.TimeMap2_timeToQN(0, to)
for t = 0, reaper.CountTracks(0) - 1 do
  local track = reaper.GetTrack(0, t)
  local events, ending, channel = music(track, t)
  chunks[t + 1], channels[t], last = chunk(events), channel, math.max(last, ending)
  if reaper.IsTrackSelected(track) then chosen[#chosen + 1] = t end
end
if #chosen == 0 then fail("Select the tracks to be rewritten.") end
local midi = "MThd" .. string.pack(">I4I2I2I2", 6, 1, #chunks + 1, QUARTER) .. conductor(last) .. table.concat(chunks)

local described = ask("POST", "/sessions?name=reaper.mid", midi)
local one = "/sessions/" .. described:match('"id"%s*:%s*"([%w%-]+)"')
described = ask("GET", one .. "/score?state=1")
local owner, asked = {}, {} -- a track that changes its program is several tracks of one name
for number, name in described:gmatch('"number"%s*:%s*(%d+)%s*,%s*"name"%s*:%s*"t(%d+)"') do owner[tonumber(number)] = tonumber(name) end
for number, t in pairs(owner) do
  for _, wanted in ipairs(chosen) do
    if t == wanted then asked[#asked + 1] = number end
  end
end
if #asked == 0 then fail("The selected tracks hold no MIDI that sounds.") end
local wish = ('{"verb":"rewrite","state":1,"spans":[[%d,%d]],"tracks":[%s],"alternatives":%d}'):format(
  first, stop, table.concat(asked, ","), COUNT)
local edit = ask("POST", one .. "/edits", wish):match('"edit"%s*:%s*(%d+)')
local facts = ask("GET", one .. "/edits/" .. edit .. "/events") -- ends when all is drawn
local wrong = facts:match('event: failed\r?\ndata: {"message": "(.-)"}')
if wrong then fail(wrong) end
local alternatives = {}
for k = 0, COUNT - 1 do alternatives[k] = ask("GET", one .. "/edits/" .. edit .. "/alternatives/" .. k) end

reaper.Undo_BeginBlock()
for _, t in ipairs(chosen) do
  local item = reaper.CreateNewMIDIItemInProj(reaper.GetTrack(0, t), from, to, false)
  for k = 0, COUNT - 1 do
    local take = k == 0 and reaper.GetActiveTake(item) or reaper.AddTakeToMediaItem(item)
    if k > 0 then reaper.SetMediaItemTake_Source(take, reaper.PCM_Source_CreateFromType("MIDI")) end
    reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", "alternative " .. (k + 1), true)
    local alternative = alternatives[k]
    local onset, duration, pitch = numbers(alternative, "onset"), numbers(alternative, "duration"), numbers(alternative, "pitch")
    local velocity, track = numbers(alternative, "velocity"), numbers(alternative, "track")
    for n = 1, #onset do
      if owner[track[n]] == t and onset[n] >= first and onset[n] < stop then
        local a = reaper.MIDI_GetPPQPosFromProjQN(take, onset[n] / QUARTER)
        local b = reaper.MIDI_GetPPQPosFromProjQN(take, (onset[n] + duration[n]) / QUARTER)
        reaper.MIDI_InsertNote(take, false, false, a, b, channels[t], pitch[n], velocity[n], true)
      end
    end
    reaper.MIDI_Sort(take)
  end
end
reaper.Undo_EndBlock("symbolic-music: rewrite", -1)
reaper.UpdateArrange()

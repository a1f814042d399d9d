-- A stand-in for REAPER's interface: a waltz at 90 of three tracks, the bass selected in bars 3 and 4. Arguments: the
-- script, the studio's address, a folder. It prints one line a call that changes the project.
local script, address, folder = arg[1], arg[2], arg[3]
local BAR, PPQ, OFFSET = 3, 960, 0
local SECONDS = 60 / 90
local tracks = {
  { name = "Tune", notes = {}, controls = {} },
  { name = "Bass guitar", notes = {}, controls = {}, selected = true },
  { name = "Kit", notes = {}, controls = {} },
}
for bar = 0, 7 do
  for beat = 0, 2 do
    local at = bar * BAR + beat
    table.insert(tracks[1].notes, { at, at + 0.9, 0, 67 + ({ 0, 4, 7 })[beat + 1], 90 })
    table.insert(tracks[3].notes, { at, at + 0.1, 9, beat == 0 and 36 or 42, 96 })
  end
  table.insert(tracks[2].notes, { bar * BAR, bar * BAR + 2.9, 2, 43 - 5 * (bar % 2), 84 })
end
table.insert(tracks[1].controls, { 0, 0xC0, 0, 73, 0 })
table.insert(tracks[1].notes, { 30, 31, 0, 60, 90 }) -- after the end of its item: does not sound
table.insert(tracks[1].notes, { 0, 1, 0, 20, 90, true }) -- muted

local function say(...) print(table.concat({ ... }, " ")) end
local items = {}
for i, track in ipairs(tracks) do items[i] = { track = i, notes = track.notes, controls = track.controls, D_POSITION = 0, D_LENGTH = 24 * SECONDS, B_MUTE = 0 } end

reaper = {
  GetExtState = function() return address end,
  GetOS = function() return "Other" end,
  GetResourcePath = function() return folder end,
  ShowMessageBox = function(text) say("message", text) end,
  DeleteExtState = function() say("forget") end,
  ExecProcess = function(command)
    local pipe = io.popen(command)
    local answer = pipe:read("a")
    local _, _, status = pipe:close()
    return status .. "\n" .. answer
  end,
  GetSet_LoopTimeRange = function() return 2 * BAR * SECONDS, 4 * BAR * SECONDS end,
  TimeMap2_timeToQN = function(_, seconds) return seconds / SECONDS end,
  TimeMap2_QNToTime = function(_, quarters) return quarters * SECONDS end,
  TimeMap_GetMeasureInfo = function(_, measure)
    return measure * BAR * SECONDS, measure * BAR, (measure + 1) * BAR, 3, 4, 90
  end,
  CountTracks = function() return #tracks end,
  GetTrack = function(_, i) return i + 1 end,
  GetTrackName = function(track) return true, tracks[track].name end,
  IsTrackSelected = function(track) return tracks[track].selected == true end,
  CountTrackMediaItems = function() return 1 end,
  GetTrackMediaItem = function(track) return items[track] end,
  GetMediaItemInfo_Value = function(item, name) return item[name] end,
  GetActiveTake = function(item) return item end,
  TakeIsMIDI = function() return true end,
  MIDI_CountEvts = function(take) return true, #take.notes, #take.controls, 0 end,
  MIDI_GetNote = function(take, i)
    local n = take.notes[i + 1]
    return true, false, n[6] == true, n[1] * PPQ + OFFSET, n[2] * PPQ + OFFSET, n[3], n[4], n[5]
  end,
  MIDI_GetCC = function(take, i)
    local c = take.controls[i + 1]
    return true, false, false, c[1] * PPQ + OFFSET, c[2], c[3], c[4], c[5]
  end,
  MIDI_GetProjQNFromPPQPos = function(_, position) return (position - OFFSET) / PPQ end,
  MIDI_GetPPQPosFromProjQN = function(_, quarters) return quarters * PPQ + OFFSET end,
  CreateNewMIDIItemInProj = function(track, from, to)
    say("item", track - 1, ("%.3f %.3f"):format(from, to))
    return { track = track, name = "" }
  end,
  AddTakeToMediaItem = function(item) return { track = item.track } end,
  PCM_Source_CreateFromType = function(kind) return kind end,
  SetMediaItemTake_Source = function(_, source) assert(source == "MIDI") end,
  GetSetMediaItemTakeInfo_String = function(_, key, value) say("take", key, value) end,
  MIDI_InsertNote = function(_, _, _, a, b, channel, pitch, velocity)
    say("note", ("%d %d %d %d %d"):format(a // 1, b // 1, channel, pitch, velocity))
  end,
  MIDI_Sort = function() end,
  Undo_BeginBlock = function() say("begin") end,
  Undo_EndBlock = function(name) say("end", name) end,
  UpdateArrange = function() end,
}

dofile(script)

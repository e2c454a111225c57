package doctor

// AlarmNames are the alarms that the doctor looks for, except those of the whole stack.
var AlarmNames = alarmNames

// JudgeRoom judges the free room of a disk.
var JudgeRoom = judgeRoom

// MakeIndex creates the index of due transactions again.
const MakeIndex = makeIndex

// ReachOne calls an address.
var ReachOne = reachOne

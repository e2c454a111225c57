package doctor

// AlarmNames are the alarms that the doctor looks for, but for those of the whole stack.
var AlarmNames = alarmNames

// JudgeRoom judges how much of a disk is free.
var JudgeRoom = judgeRoom

// MakeIndex is what makes the index of due transactions again.
const MakeIndex = makeIndex

// ReachOne asks an address for anything.
var ReachOne = reachOne

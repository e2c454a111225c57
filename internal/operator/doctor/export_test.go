package doctor

// AlarmNames are the alarms that the doctor looks for, but for those of the whole stack.
var AlarmNames = alarmNames

// MakeIndex is what makes the index of due transactions again.
const MakeIndex = makeIndex

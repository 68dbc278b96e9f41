package calabrio

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// logFile is one kind of LogServer file: its first line, and its columns after interval, date_from and time, ids first.
type logFile struct {
	title   string
	ids     []string // columns that tell rows apart
	columns []string
}

var logFiles = map[string]logFile{
	"Queue": {"Teleopti.Queue.Data", []string{"queue"}, strings.Fields(`queue queue_name offd_direct_call_cnt overflow_in_call_cnt aband_call_cnt
		overflow_out_call_cnt answ_call_cnt queued_and_answ_call_dur queued_and_aband_call_dur talking_call_dur wrap_up_dur queued_answ_longest_que_dur
		queued_aband_longest_que_dur avg_avail_member_cnt ans_servicelevel_cnt wait_dur aband_short_call_cnt aband_within_sl_cnt`)},
	"Agent": {"Teleopti.Agent.Data", []string{"agent_id"}, strings.Fields(`agent_id agent_name avail_dur tot_work_dur pause_dur wait_dur admin_dur
		direct_out_call_cnt direct_out_call_dur direct_in_call_cnt direct_in_call_dur`)},
	"AgentQueue": {"Teleopti.AgentQueue.Data", []string{"agent_id", "queue"}, strings.Fields(`agent_id agent_name queue queue_name talking_call_dur wrap_up_dur
		answ_call_cnt transfer_out_call_cnt`)},
}

var logName = regexp.MustCompile(`^(Queue|Agent|AgentQueue)_Statistics_(.+)_([0-2][0-9])_([0-5][0-9])\.csv$`)

// ReadLogServer reads a folder as the LogServer does. held are the rows by kind, date, time and ids; wrong is what it finds fault with. Dates and times
// are as 2026-03-02 and 15:04.
func ReadLogServer(dir string, interval time.Duration) (held map[string]string, wrong []string) {
	held = map[string]string{}
	for _, name := range files(dir, &wrong) {
		parts := logName.FindStringSubmatch(name)
		if parts == nil {
			wrong = append(wrong, name+" is no name of a LogServer file")
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		rows, problems := readLogFile(parts, string(text), interval)
		maps.Copy(held, rows)
		for _, p := range problems {
			wrong = append(wrong, name+": "+p)
		}
	}
	return held, wrong
}

// readLogFile reads one file; parts are those of its name.
func readLogFile(parts []string, text string, interval time.Duration) (held map[string]string, wrong []string) {
	held = map[string]string{}
	kind := logFiles[parts[1]]
	columns := append([]string{"interval", "date_from", "time"}, kind.columns...)
	whole, ended := strings.CutSuffix(text, "\r\n")
	lines := strings.Split(whole, "\r\n")
	if !ended || len(lines) < 4 || lines[0] != kind.title || lines[1] != "" || lines[2] != strings.Join(columns, ";") {
		return nil, []string{"it does not begin with its title, an empty line and its header, and go on to the end of a row"}
	}
	for n, line := range lines[3:] {
		cells := strings.Split(line, ";")
		if len(cells) != len(columns) {
			wrong = append(wrong, fmt.Sprintf("line %d has %d cells, not %d", n+4, len(cells), len(columns)))
			continue
		}
		row := map[string]string{}
		for c, name := range columns {
			row[name] = cells[c]
		}
		if row["date_from"] != parts[2] || row["time"] != parts[3]+":"+parts[4] {
			wrong = append(wrong, fmt.Sprintf("line %d is of another interval", n+4))
		}
		for _, p := range checkRow(columns, row, interval) {
			wrong = append(wrong, fmt.Sprintf("line %d: %s", n+4, p))
		}
		key := []string{parts[1], row["date_from"], row["time"]}
		for _, id := range kind.ids {
			key = append(key, row[id])
		}
		if _, twice := held[strings.Join(key, "/")]; twice {
			wrong = append(wrong, fmt.Sprintf("line %d is there twice", n+4))
		}
		held[strings.Join(key, "/")] = line
	}
	return held, wrong
}

// checkRow says what is wrong with a row, including the rules that writers in production go by.
func checkRow(columns []string, row map[string]string, interval time.Duration) (wrong []string) {
	seconds := int(interval.Seconds())
	if row["interval"] != strconv.Itoa(seconds/60) {
		wrong = append(wrong, fmt.Sprintf("the interval is %q", row["interval"]))
	}
	if at, err := time.Parse("2006-01-02 15:04", row["date_from"]+" "+row["time"]); err != nil || at.Unix()%int64(seconds) != 0 {
		wrong = append(wrong, fmt.Sprintf("%s %s is no start of an interval", row["date_from"], row["time"]))
	}
	is := map[string]int{}
	for _, name := range columns[3:] {
		switch name {
		case "queue", "queue_name", "agent_id", "agent_name":
			if row[name] == "" {
				wrong = append(wrong, name+" is empty")
			}
		default:
			n, err := strconv.Atoi(row[name])
			if err != nil || n < 0 {
				wrong = append(wrong, fmt.Sprintf("%s is %q, no whole number", name, row[name]))
			}
			is[name] = n
		}
	}
	for _, name := range []string{"avail_dur", "tot_work_dur", "pause_dur"} {
		if is[name] > seconds {
			wrong = append(wrong, fmt.Sprintf("%s is %d, above %d", name, is[name], seconds))
		}
	}
	if is["pause_dur"] > is["tot_work_dur"] {
		wrong = append(wrong, "pause_dur is above tot_work_dur")
	}
	return wrong
}

// ReadQueueImport reads a folder of queue data in the order of the files' names; a later row replaces an earlier one. held are the rows by date, time
// and queue.
func ReadQueueImport(dir string, interval time.Duration) (held map[string]string, wrong []string) {
	held = map[string]string{}
	columns := append([]string{"interval", "date_from", "time"}, logFiles["Queue"].columns...)
	for _, name := range files(dir, &wrong) {
		if e := filepath.Ext(name); e != ".csv" && e != ".txt" {
			wrong = append(wrong, name+" is neither CSV nor TXT")
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		rows, problems := readImport(columns, string(text), interval)
		maps.Copy(held, rows)
		for _, p := range problems {
			wrong = append(wrong, name+": "+p)
		}
	}
	return held, wrong
}

func readImport(columns []string, text string, interval time.Duration) (held map[string]string, wrong []string) {
	held = map[string]string{}
	whole, ended := strings.CutSuffix(text, "\r\n")
	if !ended {
		return nil, []string{"it does not go on to the end of a row"}
	}
	last := ""
	for n, line := range strings.Split(whole, "\r\n") {
		cells := strings.Split(line, ";")
		if len(cells) != len(columns) {
			wrong = append(wrong, fmt.Sprintf("line %d has %d fields, not %d", n+1, len(cells), len(columns)))
			continue
		}
		row := map[string]string{}
		for c, name := range columns {
			row[name] = cells[c]
		}
		for _, p := range checkRow(columns, row, interval) {
			wrong = append(wrong, fmt.Sprintf("line %d: %s", n+1, p))
		}
		at := row["date_from"] + "/" + row["time"]
		if at < last {
			wrong = append(wrong, fmt.Sprintf("line %d is not in the order of time", n+1))
		}
		key := at + "/" + row["queue"]
		if _, twice := held[key]; twice {
			wrong = append(wrong, fmt.Sprintf("line %d is there twice", n+1))
		}
		last, held[key] = at, line
	}
	return held, wrong
}

// files are the names of what an importer sees in a folder.
func files(dir string, wrong *[]string) (names []string) {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		*wrong = append(*wrong, err.Error())
	}
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

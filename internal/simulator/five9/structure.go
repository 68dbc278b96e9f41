package five9

import (
	"fmt"
	"strings"
)

// element is a child of a type or an operation.
type element struct {
	name, kind     string
	optional, many bool
}

// operation is what a service offers.
type operation struct {
	name    string
	asks    []element // children of the request's wrapper, in order
	gives   *element  // the response's return; nil: empty
	counter string    // "" is not counted
}

// service is the structure of a web service: what its WSDL says and requests are checked against.
type service struct {
	namespace, name, port string
	operations            []operation
	types                 map[string][]element
	order                 []string            // of the types
	values                map[string][]string // of the enumerations
	faults                []string
}

func (s *service) operation(name string) *operation {
	for i := range s.operations {
		if s.operations[i].name == name {
			return &s.operations[i]
		}
	}
	return nil
}

// parse reads the notation of the tables below: "type: child? kind, child* kind, child kind", "type = value|value" and
// "operation(child? kind) kind* counter".
func parse(s service, text string) *service {
	s.types, s.values = map[string][]element{}, map[string][]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.Contains(line, "("):
			name, rest, _ := strings.Cut(line, "(")
			asks, rest, _ := strings.Cut(rest, ")")
			op := operation{name: name, asks: elements(asks)}
			gives, counter, _ := strings.Cut(strings.TrimSpace(rest), " ")
			if op.counter = counter; gives != "-" {
				e := elements("return" + quantity(gives) + " " + strings.TrimRight(gives, "*?"))[0]
				op.gives = &e
			}
			s.operations = append(s.operations, op)
		case strings.Contains(line, " = "):
			name, list, _ := strings.Cut(line, " = ")
			s.values[name] = strings.Split(list, "|")
			s.order = append(s.order, name)
		default:
			name, list, _ := strings.Cut(line, ": ")
			s.types[name] = elements(list)
			s.order = append(s.order, name)
		}
	}
	return &s
}

func quantity(kind string) string {
	if last := kind[len(kind)-1]; last == '*' || last == '?' {
		return string(last)
	}
	return ""
}

func elements(list string) (out []element) {
	for part := range strings.SplitSeq(list, ", ") {
		if part == "" {
			continue
		}
		name, kind, _ := strings.Cut(part, " ")
		q := quantity(name)
		out = append(out, element{strings.TrimRight(name, "*?"), kind, q == "?", q == "*"})
	}
	return out
}

var admin = parse(service{
	namespace: "http://service.admin.ws.five9.com/", name: "WsAdminService", port: "WsAdminPort",
	faults: []string{"Server", "UserAlreadyLoggedIn", "AccessDisallowed", "ObjectNotFound", "ServiceUnavailable", "MissedArgument", "OperationsLimitExceeded",
		"ReportNotFound", "AdminSessionClosed", "IncorrectArgument", "InvalidAccount", "UnknownIdentifier", "ResultIsNotReady", "InvalidDateRange",
		"InvalidRegexpPattern", "ConcurrentModification", "SessionClosed"},
}, `
	runReport(folderName? string, reportName? string, criteria? customReportCriteria) string? ReportRequest
	isReportRunning(identifier? string, timeout long) boolean Query
	getReportResult(identifier? string) reportRowData? RetrieveReport
	getReportResultCsv(identifier? string) string? RetrieveReport
	getUsersGeneralInfo(userNamePattern? string) userGeneralInfo* Query
	getUsersInfo(userNamePattern? string) userInfo* Query
	getUserGeneralInfo(userName? string) userGeneralInfo? Query
	getUserInfo(userName? string) userInfo? Query
	getSkills(skillNamePattern? string) skill* Query
	getSkillsInfo(skillNamePattern? string) skillInfo* Query
	getAgentGroups(groupNamePattern? string) agentGroup* Query
	getReasonCode(reasonCodeName? string, type? reasonCodeType) reasonCode? Query
	getReasonCodeByType(type? reasonCodeType) reasonCode* Query
	getCallCountersState() limitTimeoutState*
	getVCCConfiguration() vccConfiguration? Query
	closeSession() -

	customReportCriteria: reportObjects* reportObjectList, time? reportTimeCriteria
	reportTimeCriteria: end? dateTime, start? dateTime
	reportObjectList: objectNames* string, objectType? wsObjectType
	wsObjectType = AgentGroup|Campaign|CampaignProfile|CrmField|Disposition|List|Prompt|ReasonCode|Skill|User|UserProfile|IvrScript|CallVariableGroup|CallVariable|Connector
	reportRowData: header? record, records* record
	record: values? recordData
	recordData: data* string
	userInfo: agentGroups* string, cannedReports* cannedReport, generalInfo? userGeneralInfo, roles? userRoles, skills* userSkill
	cannedReport: index int, name? string
	userRoles: admin? role, agent? role, reporting? role, supervisor? role
	role: permissions* permission
	permission: type? string, value boolean
	userGeneralInfo: active boolean, canChangePassword boolean, EMail? string, extension? string, federationId? string, firstName? string, fullName? string, IEXScheduled boolean, id? long, lastName? string, locale? string, mediaTypeConfig? mediaTypeConfig, mustChangePassword boolean, osLogin? string, password? string, phoneNumber? string, startDate? dateTime, unifiedCommunicationId? string, userName? string, userProfileName? string
	mediaTypeConfig: mediaTypes* mediaTypeItem
	mediaTypeItem: enabled boolean, intlligentRouting boolean, maxAlowed byte, type? mediaType
	mediaType = VOICE|CHAT|SOCIAL|EMAIL|VIDEO|CASE
	userSkill: id? long, level int, skillName? string, userName? string
	skill: description? string, id? long, messageOfTheDay? string, name? string, routeVoiceMails? boolean
	skillInfo: skill? skill, users* userSkill
	agentGroup: agents* string, description? string, id? long, name? string
	reasonCode: enabled boolean, name? string, paidTime boolean, shortcut int, type? reasonCodeType
	reasonCodeType = NotReady|Logout
	vccConfiguration: domainId? long, domainName? string
	limitTimeoutState: callCounterStates* callCounterState, timeout long
	callCounterState: limit long, operationType? apiOperationType, value long
	apiOperationType = Query|Modify|Upload|SingleUpload|ReportRequest|RetrieveReport|AsynchronousUpload|QueryStatistics|QueryChangedStatistics|Web2CampaignUpload|VIVRCreateSession
`)

var supervisor = parse(service{
	namespace: "http://service.supervisor.ws.five9.com/", name: "WsSupervisorService", port: "WsSupervisorPort",
	faults: []string{"Server", "UserAlreadyLoggedIn", "AccessDisallowed", "ServiceUnavailable", "MissedArgument", "IncorrectArgument", "InvalidAccount",
		"OperationsLimitExceeded", "SessionClosed", "SessionNotInitialized", "ConfigurationChanged", "UnknownTimestamp", "StatisticsNotRequested", "UnknownColumn",
		"UserLimitReached"},
}, `
	setSessionParameters(viewSettings? viewSettings) -
	getSessionParameters() viewSettings?
	getStatistics(statisticType? statisticType, columnNames? row) statistics? QueryStatistics
	getStatisticsUpdate(statisticType? statisticType, previousTimestamp long, longPollingTimeout long) statisticsUpdate? QueryChangedStatistics
	getColumnNames(statisticType? statisticType) row? QueryStatistics
	getUserLimits() userLimits? QueryStatistics
	getLoggedInUsers() loggedInUser* QueryStatistics
	closeSession() -

	viewSettings: appType? string, forceLogoutSession? boolean, idleTimeOut? int, rollingPeriod? rollingPeriod, shiftStart int, statisticsRange? statisticsRange, timeZone int
	rollingPeriod = Minutes5|Minutes10|Minutes15|Minutes30|Hour1|Hours2|Hours3|Today
	statisticsRange = RollingHour|CurrentDay|CurrentWeek|CurrentMonth|Lifetime|CurrentShift
	statisticType = AgentState|AgentStatistics|ACDStatus|CampaignState|OutboundCampaignManager|OutboundCampaignStatistics|InboundCampaignStatistics|AutodialCampaignStatistics
	row: values? rowData
	rowData: data* string
	statistics: columns? row, rows* row, timestamp long, type? statisticType
	statisticsUpdate: addedObjects* row, dataUpdate* cellUpdate, deletedObjects? rowData, lastTimestamp long, previousTimestamp long, type? statisticType
	cellUpdate: columnName? string, columnValue? string, objectName? string
	userLimits: mobileLimit int, mobileLoggedin int, supervisorLimit int, supervisorsLoggedin int
	loggedInUser: role? string, username? string
`)

func (e element) String() string { return fmt.Sprintf("%s %s", e.name, e.kind) }

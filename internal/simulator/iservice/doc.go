// Package iservice simulates One-to-One Service.com's iService for one contact centre of package centre: its forms API, and the
// statistics that it computes for workforce management.
//
// # Forms
//
// Every call is POST /f/FORM?api=ENDPOINT with a JSON body, and is answered 200 with JSON: what is wrong is in "errors", and in
// "errorDetails" or "errorsDetails", which are empty or hold blank texts where all is well.
//
//	webapp-api-login?api=login              {username, password}: the cookie iServiceSession. A form's encoding is taken too
//	webapp-api-login?api=loggedin           who asks, without an error where nobody is logged in
//	webapp-api-login?api=logout
//	webapp-api-mq-managemessage?api=topics  topics[] {id, name, segmentID}
//	webapp-api-mq-myqueue?api=agents        agents[] {id, email, isloggedin, name, displayname, doEmpty}
//	webapp-api-mq-myqueue?api=details       {interactionID}: details {an interaction}
//	webapp-api-mqsearch?api=search          {fields {groups[] {fields[] {fieldID, searchString, where}}}, pageNum, perPage, sort}: interactions[], total
//	webapp-api-History?api=details          {threadID}: interactions[] of the thread
//
// Of a search the groups must all hold, and of each group one field. fieldID is dateFrom, dateTo (exclusive), or the name of a text of an
// interaction. Dates have no offset; they are by __TZO__ of the request, or UTC. Numbers of pages may be numbers, texts or, for the
// first, true.
//
// # Words
//
// A visit to a queue is a question of type "Customer Email" or "Ticket" in the thread of its interaction. Its answer, "Agent Response",
// has the date of its creation, parentID, and dateResolved, as the question has. What was never answered is closed: Resolved
// without an answer. Agents write "Agent Email" without a topic, and "Private Note", "Public Note" and "Resolve Note" in the threads that they
// answered. All instants are cut to whole seconds, in what is told and in Truth.
//
// Lateness. A message and a resolution show up to Options.Lag after their time. One question in 25 arrives in another topic and is
// moved to its own up to half an hour later; one in 20 more is spam, which disappears within half an hour.
//
// # Statistics
//
// GET or POST /f/integration-api-workforce-management?api=KIND, with from and to (RFC 3339) as parameters or in
// the body, answers {"errors":[], "records":[...]}: the records of the steps of 15 minutes that begin in the stretch and have begun.
// KIND is queuestatistics, agentactivity or agentlogin. A step in which nothing happened has no record. What happened is in the
// statistics up to Options.StatisticsLag late: a step that was read at once is corrected later, also by questions that are
// moved or disappear. How the vendor's endpoint is asked is not known: names are options.
package iservice

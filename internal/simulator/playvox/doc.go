// Package playvox is a simulated Playvox WFM. What it reads (token, users, tasks) is as clients of the real one have it; where it is
// written to is not public, so that it takes at the same paths what it would give: tasks below workactivity/tasks, and contacts,
// sessions and identifiers beside them.
//
// Two hosts are two paths: /tenant/api/authority/token and /tenant/api/workactivity/… are the tenant's, /region/organisation/users
// is the region's. Every answer of success has its content in "data"; lists come in pages with nextPageToken.
//
// It refuses what the real one would: 401 without a token that is still good, 429 beyond 100 calls in 30 s, 422 for a request in which one
// record is wrong, of which it takes nothing then. A task replaces the one of the same person, integration and start.
package playvox

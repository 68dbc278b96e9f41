package sqs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
)

// client is the way to one queue. It tries nothing twice: who calls it knows when to come again.
type client struct {
	*sqs.Client
	o     *Config
	watch clock.Watch

	mu  sync.Mutex
	url string
}

// newClient finds region and credentials. It asks nobody: a queue that is away is not to keep a pipeline from starting.
func newClient(ctx context.Context, o *Config, watch clock.Watch) (*client, error) {
	load := []func(*config.LoadOptions) error{
		config.WithLogger(logging.Nop{}), // what it would say comes back as an error
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(max(o.Timeout, pace.poll+10*time.Second))),
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.AccessKey != "" {
		load = append(load, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.AccessKey, o.SecretKey, o.Token)))
	}
	c, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	if c.Region == "" {
		c.Region = regionOf(o.Queue)
	}
	if c.Region == "" && o.Endpoint != "" {
		c.Region = "us-east-1" // what is signed needs one; a server of one's own does not look at it
	}
	if c.Region == "" {
		return nil, errors.New("no AWS region: give region, or set AWS_REGION")
	}
	api := sqs.NewFromConfig(c, func(s *sqs.Options) {
		if o.Endpoint != "" {
			s.BaseEndpoint = &o.Endpoint
		}
	})
	q := &client{Client: api, o: o, watch: watch}
	if strings.Contains(o.Queue, "/") {
		q.url = o.Queue
	}
	return q, nil
}

var awsHost = regexp.MustCompile(`^sqs\.([a-z0-9-]+)\.(?:amazonaws\.com|api\.aws)`)

// regionOf is the region that the URL of a queue names.
func regionOf(queue string) string {
	u, err := url.Parse(queue)
	if err != nil {
		return ""
	}
	if m := awsHost.FindStringSubmatch(u.Host); m != nil {
		return m[1]
	}
	return ""
}

// queue is the queue's URL, which is asked for where only the name is known.
func (c *client) queue(ctx context.Context) (*string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.url == "" {
		ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
		defer cancel()
		found, err := c.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &c.o.Queue})
		if err != nil {
			return nil, c.judge("GetQueueUrl", err)
		}
		c.url = aws.ToString(found.QueueUrl)
	}
	url := c.url
	return &url, nil
}

// Codes by which SQS and the servers before it say what is the matter, where the status does not.
var (
	throttling = []string{"ThrottlingException", "Throttling", "RequestThrottled", "RequestThrottledException", "TooManyRequestsException", "OverLimit", "KmsThrottled", "SlowDown"}
	refusing   = []string{
		"AccessDenied", "AccessDeniedException", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException",
		"ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "MissingAuthenticationToken", "InvalidAccessKeyId", "OptInRequired", "KmsAccessDenied",
		"RequestExpired",
	}
	passing = []string{"ServiceUnavailable", "InternalFailure", "InternalError", "InternalServerError", "RequestTimeout", "RequestTimeoutException"}
	// What a person has to set right, and nothing that a message is to be blamed for.
	missing = []string{"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "InvalidAddress", "UnsupportedOperation", "KmsDisabled", "KmsNotFound", "KmsInvalidState", "KmsOptInRequired", "KmsInvalidKeyUsage", "InvalidSecurity", "QueueDeletedRecently"}
)

// judge says what to do about a failure.
func (c *client) judge(call string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	fault := &httpcall.Error{Kind: httpcall.Transient, Call: "SQS " + call, Sent: true}
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil {
		fault.Status = answer.HTTPStatusCode()
		fault.RetryAfter = httpcall.RetryAfter(answer.Response.Header, c.watch.Now())
	}
	var said smithy.APIError
	code := ""
	if errors.As(err, &said) {
		code = said.ErrorCode()
		if at := strings.LastIndexByte(code, '#'); at >= 0 {
			code = code[at+1:]
		}
		if code == "UnknownError" { // the SDK's word for an answer without one
			code = ""
		}
		if code != "" {
			fault.Err = fmt.Errorf("%s: %s", code, c.excerpt(said.ErrorMessage()))
		}
	} else {
		fault.Err = errors.New(plain(err))
	}
	fault.Kind = kind(fault.Status, code)
	if fault.Err == nil && fault.Status == 0 {
		fault.Err = errors.New(plain(err))
	}
	if oneOf(missing, code) {
		fault.Err = fmt.Errorf("%w: look at the queue %s and what encrypts it", fault.Err, c.o.Queue)
	}
	return fault
}

// excerpt is what may be shown of what SQS says, which repeats the headers of a request whose signature it does not accept.
func (c *client) excerpt(text string) string { return httpcall.Excerpt(text, c.o.SecretKey, c.o.Token) }

func kind(status int, code string) httpcall.Kind {
	switch {
	case oneOf(throttling, code) || status == http.StatusTooManyRequests:
		return httpcall.Throttled
	case oneOf(refusing, code) || status == http.StatusUnauthorized || status == http.StatusForbidden:
		return httpcall.Refused
	case oneOf(passing, code) || oneOf(missing, code) || code == "" || status >= 500:
		return httpcall.Transient
	case status >= 400:
		return httpcall.Permanent
	}
	return httpcall.Transient // such as a page for people instead of an answer
}

func oneOf(list []string, code string) bool {
	for _, one := range list {
		if code == one {
			return true
		}
	}
	return false
}

// plain is the innermost of an error of the SDK, whose others repeat each other.
func plain(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		if _, ok := inner.(*url.Error); ok { //nolint:errorlint // this one, not one within
			return inner.Error()
		}
		err = inner
	}
}

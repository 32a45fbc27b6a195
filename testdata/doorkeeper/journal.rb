# frozen_string_literal: true

# A Rack middleware that remembers what was asked of the server and how it was answered, for GET /test/requests.
# It keeps the names of parameters, never their values (grant_type excepted): no secret can leave by this door.
class Journal
  @entries = []
  @lock = Mutex.new

  class << self
    # Everything since the start, oldest first, and how many token requests there were of each grant type.
    def report
      @lock.synchronize do
        grants = @entries.map { |entry| entry[:grant_type] }.compact
        { requests: @entries.dup, token_requests: { total: grants.size }.merge(grants.tally) }
      end
    end

    def add(entry)
      @lock.synchronize { @entries << { number: @entries.size + 1 }.merge(entry) }
    end
  end

  # root is the site's relative root, "" for none.
  def initialize(app, root)
    @app = app
    @oauth = "#{root}/oauth/"
    @token = "#{root}/oauth/token"
    @hooks = "#{root}/test/"
  end

  def call(env)
    path = env["PATH_INFO"]
    return @app.call(env) if path.start_with?(@hooks)

    entry = { method: env["REQUEST_METHOD"], path: path, query: names(env["QUERY_STRING"]) }
    entry.merge!(form(env, path)) if entry[:method] == "POST" && path.start_with?(@oauth)
    @app.call(env).tap { |status, *| self.class.add(entry.merge(status: status)) }
  end

  private

  # What a form sent to the OAuth endpoints consists of, and how the client authenticated beside it.
  def form(env, path)
    body = env["rack.input"].read.to_s
    env["rack.input"].rewind
    details = { parameters: names(body), authorization: env["HTTP_AUTHORIZATION"].to_s[/\A\w+/] }
    details[:grant_type] = grant_type(body) if path == @token
    details
  end

  # The parameters' names in the order sent, repeated ones included.
  def names(encoded)
    encoded.split("&").map { |pair| Rack::Utils.unescape(pair[/\A[^=]*/]) }
  rescue ArgumentError
    ["(malformed)"]
  end

  def grant_type(body)
    value = body[/(?:\A|&)grant_type=([^&]*)/, 1]
    %w[authorization_code refresh_token].include?(value) ? value : "other"
  end
end

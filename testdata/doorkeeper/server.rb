# frozen_string_literal: true

# Starts the stand-in for GitLab's OAuth side on 127.0.0.1, says where on one line of standard output, and ends with
# SIGTERM, SIGINT or when its standard input closes: a test that dies takes its server with it. README.md has the
# environment variables.

require "json"
require_relative "app"
require "puma"
require "puma/server"

JSON.parse(ENV.fetch("DOORKEEPER_APPLICATIONS", "[]")).each { |application| seed_application(application) }
# The pool's one connection is the whole database; the requests' threads want it.
ActiveRecord::Base.clear_active_connections!

root = ENV.fetch("DOORKEEPER_ROOT", "").chomp("/")
site = Rack::URLMap.new((root.empty? ? "/" : root) => StandIn)

log = log_device
server = Puma::Server.new(Journal.new(site, root), Puma::Events.new(log, log), environment: "production")
port = server.add_tcp_listener("127.0.0.1", Integer(ENV.fetch("PORT", "0"))).addr[1]
server.run

%w[TERM INT].each { |signal| Signal.trap(signal) { exit } }
begin
  $stdout.puts "listening http://127.0.0.1:#{port}#{root}"
  $stdout.flush
  nil while $stdin.read(4096)
rescue IOError, SystemCallError
  # Standard input or output was gone already, which means the same as the end of it.
ensure
  server.halt(true)
end

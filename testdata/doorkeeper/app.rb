# frozen_string_literal: true

# A Rails application that consists of Doorkeeper, configured as GitLab configures it, with the tables that GitLab
# has. The pages and the API around it are in controllers.rb.

ENV["RAILS_ENV"] = ENV["RACK_ENV"] = "production"
# In memory and never closed when idle: the only connection is the database.
ENV["DATABASE_URL"] = "sqlite3::memory:?pool=1&idle_timeout=0"

require "logger"
require "securerandom"
require "rails"
require "action_controller/railtie"
require "active_record/railtie"
require "doorkeeper"
require_relative "journal"

# Nothing is ever written beside the sources: without DOORKEEPER_TMP there is no log.
def log_device
  folder = ENV.fetch("DOORKEEPER_TMP", "")
  File.open(folder.empty? ? File::NULL : File.join(folder, "doorkeeper.log"), "a").tap { |file| file.sync = true }
end

class StandIn < Rails::Application
  config.load_defaults 6.1
  config.root = __dir__
  config.eager_load = false
  config.cache_store = :null_store
  config.public_file_server.enabled = false
  config.logger = ActiveSupport::TaggedLogging.new(Logger.new(log_device))
  config.log_level = :warn
  config.secret_key_base = SecureRandom.hex(64)
  config.session_store :cookie_store, key: "_gitlab_session"

  # One request at a time. GitLab's PostgreSQL locks the row of the token that is refreshed; SQLite has no row locks,
  # and this lock gives the same outcome: of several refreshes with one token the first wins, the others get
  # invalid_grant.
  config.allow_concurrency = false

  routes.append do
    use_doorkeeper do
      controllers authorizations: "authorizations"
      skip_controllers :applications, :authorized_applications
    end

    get  "users/sign_in", to: "sessions#new", as: :new_user_session
    post "users/sign_in", to: "sessions#create"

    get ".well-known/openid-configuration", to: "discovery#show"

    scope "api/v4" do
      get "user",     to: "api#user"
      get "version",  to: "api#version"
      get "projects", to: "api#projects"
    end
    match "api/*path", to: "api#unknown", via: :all

    post "test/expire",   to: "test_hooks#expire"
    post "test/revoke",   to: "test_hooks#revoke"
    get  "test/requests", to: "test_hooks#requests"

    root to: "sessions#home"
    get "*path", to: "sessions#home"
  end
end

Doorkeeper.configure do
  orm :active_record
  base_controller "ApplicationController"
  default_generator_method :hex

  resource_owner_authenticator do
    current_user || begin
      session[:user_return_to] = request.fullpath
      redirect_to new_user_session_path
      nil
    end
  end

  # GitLab's list is longer; these are the scopes that matter to a client of its API.
  default_scopes :api
  optional_scopes :read_api, :read_user, :read_repository, :write_repository, :openid, :profile, :email
  enforce_configured_scopes

  grant_flows %w[authorization_code]
  use_refresh_token
  authorization_code_expires_in 600

  # "never" leaves expires_in out of the answers, as a GitLab before 15.0 can.
  lifetime = ENV.fetch("DOORKEEPER_TOKEN_LIFETIME", "7200")
  access_token_expires_in(lifetime == "never" ? nil : Integer(lifetime))

  # GitLab hashes both with a SHA-512 strategy of its own (PBKDF2 in some versions). Which hash it is can't be seen from
  # outside; that the plain text can't be had again can.
  hash_token_secrets
  hash_application_secrets

  force_ssl_in_redirect_uri false
  forbid_redirect_uri { |uri| %w[data vbscript javascript].include?(uri.scheme.to_s.downcase) }
  access_token_methods :from_access_token_param, :from_bearer_authorization, :from_bearer_param

  skip_authorization { |_resource_owner, client| client.application.trusted? }
end

StandIn.initialize!

ActiveRecord::Schema.verbose = false
ActiveRecord::Schema.define do
  create_table :users do |t|
    t.string :username, null: false, index: { unique: true }
    t.string :name, null: false
  end

  create_table :oauth_applications do |t|
    t.string  :name, null: false
    t.string  :uid, null: false, index: { unique: true }
    t.string  :secret, null: false
    t.text    :redirect_uri, null: false
    t.string  :scopes, null: false, default: ""
    t.boolean :confidential, null: false, default: true
    t.boolean :trusted, null: false, default: false
    t.timestamps
  end

  create_table :oauth_access_grants do |t|
    t.integer  :resource_owner_id, null: false
    t.integer  :application_id, null: false
    t.string   :token, null: false, index: { unique: true }
    t.integer  :expires_in, null: false
    t.text     :redirect_uri, null: false
    t.string   :scopes, null: false, default: ""
    t.datetime :created_at, null: false
    t.datetime :revoked_at
    t.string   :code_challenge # PKCE is on because these two exist
    t.string   :code_challenge_method
  end

  # No previous_refresh_token, as in GitLab: with that column Doorkeeper would leave the old tokens alive until the
  # new one is used; without it a refresh revokes them at once.
  create_table :oauth_access_tokens do |t|
    t.integer  :resource_owner_id
    t.integer  :application_id
    t.string   :token, null: false, index: { unique: true }
    t.string   :refresh_token, index: { unique: true }
    t.integer  :expires_in
    t.string   :scopes
    t.datetime :created_at, null: false
    t.datetime :revoked_at
  end
end

class User < ActiveRecord::Base
  def email
    "#{username}@example.com"
  end
end

User.create!(username: "sam", name: "Sam Example")
User.create!(username: "alex", name: "Alex Example")

# Registers an application from its description in DOORKEEPER_APPLICATIONS. The secret goes through Doorkeeper's
# strategy, which stores the hash; an application without one gets a random secret that nobody knows.
def seed_application(description)
  secret = description.delete("secret")
  application = Doorkeeper::Application.new(description)
  application.secret_strategy.store_secret(application, :secret, secret) if secret.present?
  application.save!
end

require_relative "controllers"

# frozen_string_literal: true

# What surrounds Doorkeeper: signing in, the consent page, the few API calls that a client makes around a sign-in, and
# the hooks by which a test makes time pass and counts requests.

require_relative "pages"

class ApplicationController < ActionController::Base
  protect_from_forgery with: :exception

  private

  def current_user
    @current_user ||= User.find_by(id: session[:user_id])
  end
end

class SessionsController < ApplicationController
  PASSWORD = ENV.fetch("DOORKEEPER_PASSWORD", "correct horse battery staple")

  def new
    sign_in_page
  end

  def create
    form = params.permit(user: %i[login password]).fetch(:user, {})
    user = User.find_by(username: form[:login])
    good = ActiveSupport::SecurityUtils.secure_compare(form[:password].to_s, PASSWORD)
    return sign_in_page("Invalid login or password.") unless user && good

    return_to = session[:user_return_to] || root_path
    reset_session
    session[:user_id] = user.id
    redirect_to return_to
  end

  # Any page that isn't here. As on GitLab, who hasn't signed in is sent there first: this is what a client with a
  # wrong base URL meets.
  def home
    return redirect_to(new_user_session_path) unless current_user

    render plain: "Signed in as #{current_user.username}\n", status: params[:path] ? :not_found : :ok
  end

  private

  def sign_in_page(alert = nil)
    render inline: Pages::SIGN_IN, locals: { alert: alert }
  end
end

class AuthorizationsController < Doorkeeper::AuthorizationsController
  # GET /oauth/authorize. Whatever is wrong with the request is told on a page with status 200, and consent that isn't
  # needed becomes a page that redirects by script. Neither is what Doorkeeper does by itself; both are GitLab's way.
  def new
    if !pre_auth.authorizable?
      render inline: Pages::ERROR, locals: { message: pre_auth.error_response.body[:error_description] }
    elsif consented?
      session.delete(:user_return_to)
      render inline: Pages::REDIRECT, locals: { uri: authorize_response.redirect_uri }
    else
      render inline: Pages::CONSENT, locals: { asked: pre_auth, form: pre_auth_form }
    end
  end

  private

  # A trusted application needs no consent, nor does a confidential one that holds a token of this user with the same
  # scopes. Doorkeeper asks that the token isn't revoked; expired is good enough.
  def consented?
    skip_authorization? || (pre_auth.client.application.confidential? && matching_token?)
  end

  # What the buttons send back: the request as it came.
  def pre_auth_form
    { client_id: pre_auth.client.uid, redirect_uri: pre_auth.redirect_uri, state: pre_auth.state,
      response_type: pre_auth.response_type, scope: pre_auth.scope, code_challenge: pre_auth.code_challenge,
      code_challenge_method: pre_auth.code_challenge_method }
  end
end

class DiscoveryController < ActionController::API
  # Lists what is served here, so no userinfo and no keys. GitLab's document has no device endpoint either.
  def show
    base = root_url.chomp("/")
    render json: {
      issuer: base,
      authorization_endpoint: "#{base}/oauth/authorize",
      token_endpoint: "#{base}/oauth/token",
      revocation_endpoint: "#{base}/oauth/revoke",
      introspection_endpoint: "#{base}/oauth/introspect",
      scopes_supported: Doorkeeper.config.scopes.all,
      response_types_supported: %w[code],
      response_modes_supported: %w[query fragment form_post],
      grant_types_supported: %w[authorization_code refresh_token],
      token_endpoint_auth_methods_supported: %w[client_secret_basic client_secret_post],
      code_challenge_methods_supported: %w[plain S256]
    }
  end
end

class ApiController < ActionController::API
  before_action(only: %i[user version]) { authorize! "read_user", "api", "read_api" }
  before_action(only: :projects) { authorize! "api", "read_api" }

  def user
    render json: { id: owner.id, username: owner.username, name: owner.name, state: "active", locked: false,
                   avatar_url: nil, web_url: "#{root_url}#{owner.username}", email: owner.email }
  end

  def version
    render json: { version: "17.0.0", revision: "stand-in" }
  end

  def projects
    path = "#{owner.username}/notes"
    response.headers.merge!("X-Page" => "1", "X-Next-Page" => "", "X-Total-Pages" => "1", "X-Per-Page" => "20")
    render json: [{ id: owner.id, name: "notes", path_with_namespace: path, default_branch: "main",
                    web_url: "#{root_url}#{path}", http_url_to_repo: "#{root_url}#{path}.git" }]
  end

  def unknown
    render json: { error: "404 Not Found" }, status: :not_found
  end

  private

  def owner
    @owner ||= User.find(doorkeeper_token.resource_owner_id)
  end

  # Refuses as GitLab does, in its order: expired before revoked before scope. A token that nobody knows is answered
  # like no token.
  def authorize!(*scopes)
    token = doorkeeper_token
    if !token
      render json: { message: "401 Unauthorized" }, status: :unauthorized
    elsif token.expired?
      invalid_token "Token is expired. You can either do re-authorization or token refresh."
    elsif token.revoked?
      invalid_token "Token was revoked. You have to re-authorize from the user."
    elsif (token.scopes.to_a & scopes).empty?
      render json: { error: "insufficient_scope", scope: scopes.join(" "), error_description:
                     "The request requires higher privileges than provided by the access token." }, status: :forbidden
    end
  end

  def invalid_token(description)
    response.headers["WWW-Authenticate"] =
      %(Bearer realm="The API", error="invalid_token", error_description="#{description}")
    render json: { error: "invalid_token", error_description: description }, status: :unauthorized
  end
end

class TestHooksController < ActionController::API
  before_action { head :forbidden unless request.local? }

  # Makes a user's access tokens older than they may become. expires_in stays: a refresh hands it on to the new token.
  def expire
    change(Doorkeeper::AccessToken.where.not(expires_in: nil)) do |token|
      token.update_columns(created_at: Time.now.utc - token.expires_in - 1)
    end
  end

  # Revokes a user's tokens, as an administrator or the user can on a page of GitLab's.
  def revoke
    change(Doorkeeper::AccessToken.all, &:revoke)
  end

  def requests
    render json: Journal.report
  end

  private

  # Changes those of the tokens that are the user's and not revoked, and tells how many they were.
  def change(tokens, &block)
    user = User.find_by(username: params[:user])
    return render json: { error: "no such user" }, status: :not_found unless user

    render json: { tokens: tokens.merge(Doorkeeper::AccessToken.active_for(user)).to_a.each(&block).size }
  end
end

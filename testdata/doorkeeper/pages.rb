# frozen_string_literal: true

# The pages a person sees, as ERB. Names, ids and test ids are GitLab's where a test can depend on them.
module Pages
  HEAD = <<~HTML
    <!DOCTYPE html>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
  HTML

  SIGN_IN = HEAD + <<~'ERB'
    <title>Sign in · GitLab</title>
    <h1>Sign in</h1>
    <% if alert %><p role="alert"><%= alert %></p><% end %>
    <%= form_tag new_user_session_path, id: "new_user" do %>
      <p><label>Username <input id="user_login" name="user[login]" autocomplete="username" required></label></p>
      <p><label>Password <input id="user_password" name="user[password]" type="password" required></label></p>
      <button type="submit" name="commit" data-testid="sign-in-button">Sign in</button>
    <% end %>
  ERB

  CONSENT = HEAD + <<~'ERB'
    <title>User authorization · GitLab</title>
    <h1><%= asked.client.name %> is requesting access to your account</h1>
    <ul>
      <% asked.scopes.each do |scope| %><li><code><%= scope %></code></li><% end %>
    </ul>
    <p>Answers go to <%= asked.redirect_uri %></p>
    <% { post: %w[Authorize authorize-button], delete: %w[Cancel deny-button] }.each do |method, (text, testid)| %>
      <%= form_tag oauth_authorization_path, method: method do %>
        <% form.each do |name, value| %><%= hidden_field_tag name, value, id: nil %><% end %>
        <button type="submit" data-testid="<%= testid %>"><%= text %></button>
      <% end %>
    <% end %>
  ERB

  REDIRECT = HEAD + <<~'ERB'
    <title>Redirecting · GitLab</title>
    <h1>Redirecting</h1>
    <p><a href="<%= uri %>">Click here to continue</a></p>
    <script>window.location = <%= raw uri.to_json %>;</script>
  ERB

  ERROR = HEAD + <<~'ERB'
    <title>An error has occurred · GitLab</title>
    <h1>An error has occurred</h1>
    <pre><%= message %></pre>
  ERB
end

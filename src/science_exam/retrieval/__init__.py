"""Questions + passages -> contexts."""

-- A departure was a mistake: the employment goes on.
-- params: $1 number, $2 reference, $3 institution or NULL
-- expect: one row: until (NULL: no end is planned), grants_back, orders_cancelled, orders_opened, accounts_closed
SELECT u.until, u.grants_back, u.orders_cancelled, u.orders_opened, u.accounts_closed
FROM paasla.undo_depart(employee_no => $1::text, reference => $2::text, institution => $3::text) AS u
